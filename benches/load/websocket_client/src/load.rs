//! All connections together: one thread, one epoll, one message in flight on each connection (or a
//! window of them). Knows how a load runs and ends, not what a frame looks like.

use std::collections::VecDeque;
use std::io::Read as _;
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::time::{ClockId, clock_gettime};

use crate::answers::Scratch;
use crate::connection::{Connection, INPUT_BYTES};
use crate::failure::Failure;
use crate::figures::{Figures, Latencies};
use crate::handshake;
use crate::options::{Bound, Mode, Options};
use crate::script::Script;

/// Nothing at all from any connection for so long, while answers are due: the server has stalled.
const PATIENCE: Timespec = Timespec {
    tv_sec: 10,
    tv_nsec: 0,
};
const EVENTS: usize = 256;
/// The token of standard input; connections have their index.
const COMMANDS: u64 = u64::MAX;

pub struct Load {
    epoll: OwnedFd,
    events: Vec<Event>,
    peers: Vec<Peer>,
    script: Script,
    mode: Mode,
    window: usize,
    input: Vec<u8>,
    scratch: Box<Scratch>,
    /// What the server agreed to, for the report.
    pub agreed: Option<String>,
}

/// A connection, and what the loop has to know about it.
struct Peer {
    connection: Connection,
    /// When the messages in flight were sent, since the run's begin.
    sent: VecDeque<Duration>,
    is_blocked: bool,
}

/// How far a run has come.
struct Run {
    bound: Bound,
    turns: u64,
    messages: u64,
    answers: u64,
    /// Answers still due.
    due: u64,
    latencies: Latencies,
}

impl Load {
    /// Opens every connection, and prepares every frame.
    pub fn open(options: &Options) -> Result<Self, Failure> {
        let Options {
            address, deflate, ..
        } = *options;
        let mut opened = Vec::new();
        if options.mode == Mode::Echo {
            opened.extend(handshake::open(
                address,
                &options.path,
                deflate,
                options.connections,
            )?);
        } else {
            // The speaker comes last, when all who should hear it are there.
            opened.extend(handshake::open(address, "/", deflate, options.connections)?);
            opened.extend(handshake::open(address, "/send", deflate, 1)?);
        }
        let agreed = opened.first().and_then(|first| first.agreed.clone());
        if opened.iter().any(|other| other.agreed != agreed) {
            return Err(Failure::Wrong(
                "not the same extension on every connection".to_owned(),
            ));
        }
        let compressing = agreed.as_ref().map(|agreed| agreed.compressing);
        let script = Script::new(options.payload, options.size, compressing);

        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let mut peers = Vec::with_capacity(opened.len());
        for (index, opened) in opened.into_iter().enumerate() {
            let start = if options.mode == Mode::Echo {
                script.start(index)
            } else {
                0
            };
            let connection = Connection::new(opened, start);
            epoll::add(
                &epoll,
                &connection,
                EventData::new_u64(index as u64),
                EventFlags::IN,
            )?;
            let sent = VecDeque::with_capacity(options.window);
            peers.push(Peer {
                connection,
                sent,
                is_blocked: false,
            });
        }
        Ok(Self {
            epoll,
            events: Vec::with_capacity(EVENTS),
            peers,
            script,
            mode: options.mode,
            window: options.window,
            input: vec![0; INPUT_BYTES],
            scratch: Box::new([0; _]),
            agreed: agreed.map(|agreed| agreed.field),
        })
    }

    /// Loads the server until the bound, and waits for every answer.
    pub fn run(&mut self, bound: Bound) -> Result<Figures, Failure> {
        // Everybody speaks whenever it has its answer, unless there are turns to wait for.
        let in_turns = self.mode == Mode::Broadcast || matches!(bound, Bound::Turns(_));
        let latencies = Latencies::new();
        let mut run = Run {
            bound,
            turns: 0,
            messages: 0,
            answers: 0,
            due: 0,
            latencies,
        };
        let compressed = self.compressed_answers();
        let cpu = cpu_time();
        let begin = Instant::now();
        for _ in 0..if in_turns { 1 } else { self.window } {
            self.turn(&mut run, begin)?;
        }
        while run.due > 0 {
            self.wait(Some(&PATIENCE))?;
            if self.events.is_empty() {
                return Err(Failure::Wrong(format!(
                    "nothing came for 10 s, {} are due",
                    run.due
                )));
            }
            for at in 0..self.events.len() {
                self.on_event(at, &mut run, begin, in_turns)?;
            }
            if in_turns && run.due == 0 {
                self.turn(&mut run, begin)?;
            }
        }
        Ok(Figures {
            messages: run.messages,
            answers: run.answers,
            compressed: self.compressed_answers() - compressed,
            seconds: begin.elapsed().as_secs_f64(),
            cpu_seconds: cpu_time().saturating_sub(cpu).as_secs_f64(),
            p50_us: run.latencies.percentile(50),
            p99_us: run.latencies.percentile(99),
        })
    }

    /// Sends a Ping on every connection and waits for the Pongs: how many.
    pub fn ping(&mut self) -> Result<usize, Failure> {
        for index in 0..self.peers.len() {
            self.peers[index].connection.ping();
            self.flush(index)?;
        }
        let mut pongs = 0;
        while pongs < self.peers.len() {
            self.wait(Some(&PATIENCE))?;
            if self.events.is_empty() {
                return Err(Failure::Wrong(format!("only {pongs} Pongs in 10 s")));
            }
            for at in 0..self.events.len() {
                pongs += self.on_idle_event(at)?;
            }
        }
        Ok(pongs)
    }

    /// Keeps the connections alive until there is a line on standard input; None at its end.
    pub fn next_command(&mut self) -> Result<Option<String>, Failure> {
        // One write of one line is one read: whoever commands waits for the answer.
        let mut commands = std::io::stdin();
        epoll::add(
            &self.epoll,
            &commands,
            EventData::new_u64(COMMANDS),
            EventFlags::IN,
        )
        .map_err(|error| {
            Failure::Io("standard input must be a pipe or a terminal", error.into())
        })?;
        let mut line = None;
        while line.is_none() {
            self.wait(None)?;
            for at in 0..self.events.len() {
                if self.events[at].data.u64() == COMMANDS {
                    let mut bytes = [0; 256];
                    let count = commands
                        .read(&mut bytes)
                        .map_err(|e| Failure::Io("stdin", e))?;
                    line = Some(String::from_utf8_lossy(&bytes[..count]).into_owned());
                } else {
                    self.on_idle_event(at)?;
                }
            }
        }
        epoll::delete(&self.epoll, &commands)?;
        Ok(line.filter(|line| !line.is_empty()))
    }

    /// One message of everybody who speaks, if there is to be one more.
    fn turn(&mut self, run: &mut Run, begin: Instant) -> Result<(), Failure> {
        run.turns += 1;
        let speakers = match self.mode {
            Mode::Echo => 0..self.peers.len(),
            Mode::Broadcast => self.peers.len() - 1..self.peers.len(),
        };
        for index in speakers {
            let now = begin.elapsed();
            if run.may_speak(now) {
                self.say(index, run, now);
                self.flush(index)?;
            }
        }
        Ok(())
    }

    fn say(&mut self, index: usize, run: &mut Run, now: Duration) {
        run.messages += 1;
        self.peers[index].connection.say();
        if self.mode == Mode::Echo {
            run.due += 1;
            self.peers[index].sent.push_back(now);
        } else {
            let hearers = self.peers.len() - 1;
            run.due += hearers as u64;
            for peer in &mut self.peers[..hearers] {
                peer.sent.push_back(now);
            }
        }
    }

    fn on_event(
        &mut self,
        at: usize,
        run: &mut Run,
        begin: Instant,
        in_turns: bool,
    ) -> Result<(), Failure> {
        let (index, readable) = self.event(at);
        let mut answers = 0;
        if readable {
            let peer = &mut self.peers[index];
            answers = peer
                .connection
                .receive(&self.script, &mut self.input, &mut self.scratch)?
                .answers;
        }
        let now = begin.elapsed();
        for _ in 0..answers {
            let sent = self.peers[index].sent.pop_front();
            let sent = sent.ok_or_else(|| Failure::Wrong("an answer to nothing".to_owned()))?;
            run.latencies
                .record(u64::try_from(now.saturating_sub(sent).as_nanos()).unwrap_or(u64::MAX));
            run.answers += 1;
            run.due -= 1;
            if !in_turns && run.may_speak(now) {
                self.say(index, run, now);
            }
        }
        self.flush(index)
    }

    /// Handles an event while nothing is due; how many Pongs came.
    fn on_idle_event(&mut self, at: usize) -> Result<usize, Failure> {
        let (index, readable) = self.event(at);
        let mut pongs = 0;
        if readable {
            let connection = &mut self.peers[index].connection;
            let received = connection.receive(&self.script, &mut self.input, &mut self.scratch)?;
            if received.answers > 0 {
                return Err(Failure::Wrong("an answer to nothing".to_owned()));
            }
            pongs = received.pongs;
        }
        self.flush(index)?;
        Ok(pongs)
    }

    fn event(&self, at: usize) -> (usize, bool) {
        let Event { data, flags, .. } = self.events[at];
        let index = usize::try_from(data.u64()).unwrap_or(usize::MAX);
        (
            index,
            flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR),
        )
    }

    /// Writes what is due, and watches for room only while there is none.
    fn flush(&mut self, index: usize) -> Result<(), Failure> {
        let Peer {
            connection,
            is_blocked,
            ..
        } = &mut self.peers[index];
        let blocked = !connection.flush(&self.script)?;
        if blocked != *is_blocked {
            *is_blocked = blocked;
            let out = if blocked {
                EventFlags::OUT
            } else {
                EventFlags::empty()
            };
            let data = EventData::new_u64(index as u64);
            epoll::modify(&self.epoll, connection.as_fd(), data, EventFlags::IN | out)?;
        }
        Ok(())
    }

    fn wait(&mut self, timeout: Option<&Timespec>) -> Result<(), Failure> {
        self.events.clear();
        loop {
            match epoll::wait(&self.epoll, spare_capacity(&mut self.events), timeout) {
                Ok(_) => return Ok(()),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn compressed_answers(&self) -> u64 {
        self.peers
            .iter()
            .map(|peer| peer.connection.compressed_answers())
            .sum()
    }
}

impl Run {
    /// Whether there is one more message to say.
    fn may_speak(&self, now: Duration) -> bool {
        match self.bound {
            Bound::Time(length) => now < length,
            Bound::Messages(count) => self.messages < count,
            Bound::Turns(count) => self.turns <= count,
        }
    }
}

/// Of this process, user and system.
fn cpu_time() -> Duration {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        tv_sec.try_into().unwrap_or(0),
        tv_nsec.try_into().unwrap_or(0),
    )
}

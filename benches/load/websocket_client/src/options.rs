//! The command line, and the commands on standard input. Knows nothing of the protocol.

use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use crate::failure::Failure;

pub const USAGE: &str = "\
usage: websocket-client echo|broadcast --port PORT [options]

  --connections N    that are answered (1); broadcast opens one more, which speaks, at /send
  --payload KIND     text, json (both text messages) or binary (text)
  --size BYTES       of each message (100)
  --deflate          offer permessage-deflate, as browsers do, and compress what is sent
  --window N         messages in flight on each connection (1)
  --path PATH        what is asked for (/)
  --seconds S | --messages N | --turns N
                     run once and end; without one of these, commands come from standard input:
                     `seconds S`, `messages N`, `turns N`, or `ping`; its end is the end

A turn is one message of everybody who speaks; the next starts when all are answered. Prints a line
of JSON when the connections are open, and one after each command. Ends with status 1 after a
failure of the server, 2 after a wrong call, 3 if the server has no permessage-deflate.";

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Everybody speaks, and gets back what it said.
    Echo,
    /// One speaks, everybody else hears it.
    Broadcast,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Payload {
    Text,
    Json,
    Binary,
}

/// When a run ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bound {
    Time(Duration),
    Messages(u64),
    Turns(u64),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Command {
    Run(Bound),
    /// Ask every connection for a sign of life.
    Ping,
}

#[derive(Debug)]
pub struct Options {
    pub mode: Mode,
    pub address: SocketAddr,
    pub path: String,
    pub connections: usize,
    pub payload: Payload,
    pub size: usize,
    pub deflate: bool,
    pub window: usize,
    pub bound: Option<Bound>,
}

impl Options {
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mode = match words.next().as_deref() {
            Some("echo") => Mode::Echo,
            Some("broadcast") => Mode::Broadcast,
            _ => return Err(Failure::Usage(USAGE.to_owned())),
        };
        let mut options = Self {
            mode,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            path: "/".to_owned(),
            connections: 1,
            payload: Payload::Text,
            size: 100,
            deflate: false,
            window: 1,
            bound: None,
        };
        while let Some(name) = words.next() {
            if name == "--deflate" {
                options.deflate = true;
                continue;
            }
            let value = words.next();
            let value = value.as_deref().ok_or_else(|| unknown(&name, "nothing"))?;
            match name.as_str() {
                "--port" => options.address.set_port(number(&name, value)?),
                "--path" => value.clone_into(&mut options.path),
                "--connections" => options.connections = number(&name, value)?,
                "--payload" => options.payload = payload(value)?,
                "--size" => options.size = number(&name, value)?,
                "--window" => options.window = number(&name, value)?,
                _ => {
                    let bound = name.strip_prefix("--").map(|bound| bound_of(bound, value));
                    options.bound = Some(bound.ok_or_else(|| unknown(&name, value))??);
                }
            }
        }
        options.check()
    }

    fn check(self) -> Result<Self, Failure> {
        let fault = if self.address.port() == 0 {
            "--port is missing"
        } else if self.connections == 0 || self.window == 0 {
            "--connections and --window are at least 1"
        } else if self.mode == Mode::Broadcast && self.window != 1 {
            "a broadcast has one message in flight: no --window"
        } else {
            return Ok(self);
        };
        Err(Failure::Usage(fault.to_owned()))
    }
}

impl FromStr for Command {
    type Err = Failure;

    fn from_str(line: &str) -> Result<Self, Failure> {
        match line.split_whitespace().collect::<Vec<_>>()[..] {
            ["ping"] => Ok(Self::Ping),
            [name, value] => bound_of(name, value).map(Self::Run),
            _ => Err(Failure::Usage(format!("no command: {line:?}"))),
        }
    }
}

fn bound_of(name: &str, value: &str) -> Result<Bound, Failure> {
    match name {
        "seconds" => Duration::try_from_secs_f64(number(name, value)?)
            .map(Bound::Time)
            .map_err(|_| unknown(name, value)),
        "messages" => number(name, value).map(Bound::Messages),
        "turns" => number(name, value).map(Bound::Turns),
        _ => Err(unknown(name, value)),
    }
}

fn payload(value: &str) -> Result<Payload, Failure> {
    match value {
        "text" => Ok(Payload::Text),
        "json" => Ok(Payload::Json),
        "binary" => Ok(Payload::Binary),
        _ => Err(unknown("--payload", value)),
    }
}

fn number<T: FromStr>(name: &str, value: &str) -> Result<T, Failure> {
    value.parse().map_err(|_| unknown(name, value))
}

fn unknown(name: &str, value: &str) -> Failure {
    Failure::Usage(format!("{name} {value}: not understood\n\n{USAGE}"))
}

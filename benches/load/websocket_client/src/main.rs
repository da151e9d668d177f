//! A load for WebSocket servers that costs less than what it loads: frames are made before the
//! clock starts, and nothing is allocated or copied for a message. ../../README.md says how to use it.
//!
//!   options   what to do            script    the frames to send
//!   handshake opens                 frames    takes apart what comes
//!   connection, answers  one connection, and what it must hear
//!   load      all of them, timed    figures   what it came to

mod answers;
mod connection;
mod failure;
mod figures;
mod frames;
mod handshake;
mod load;
mod options;
mod script;

use std::process::ExitCode;

use failure::Failure;
use load::Load;
use options::{Command, Options};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(failure.status())
        }
    }
}

fn run() -> Result<(), Failure> {
    let options = Options::parse(std::env::args().skip(1))?;
    let mut load = Load::open(&options)?;
    let agreed = load.agreed.as_deref().unwrap_or("");
    println!(
        r#"{{"opened": {}, "agreed": {agreed:?}}}"#,
        options.connections
    );
    if let Some(bound) = options.bound {
        println!("{}", load.run(bound)?);
        return Ok(());
    }
    while let Some(line) = load.next_command()? {
        match line.parse()? {
            Command::Run(bound) => println!("{}", load.run(bound)?),
            Command::Ping => println!(r#"{{"pongs": {}}}"#, load.ping()?),
        }
    }
    Ok(())
}

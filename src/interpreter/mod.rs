//! Small wrappers over `CPython` and asyncio. Knows no HTTP.

mod awaitable;
mod context;
mod event_loop;
mod exceptions;
mod function;
mod iteration;

pub(crate) use awaitable::{Ready, Resume, Suspension, thrown};
pub(crate) use context::Context;
pub(crate) use event_loop::{EventLoop, mark_coroutine_function};
pub(crate) use exceptions::{guarded, log_exception, stop_iteration};
pub(crate) use function::{Class, Function};
pub(crate) use iteration::{Step, awaitable_iterator, step};

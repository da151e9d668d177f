//! Which offers are agreed to, and what is answered.

use super::*;

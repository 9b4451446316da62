//! The runner as a user meets it: what must fail does fail, and says where and why.

mod command_line;
mod failures;
mod fixture;
mod processes;

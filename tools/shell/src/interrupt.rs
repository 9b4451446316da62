//! Ctrl-C: stops the running query and the script around it, and leaves the shell running.

use std::process;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use signal_hook::consts::SIGINT;
use signal_hook::iterator::Signals;

use crate::bridge::InterruptHandle;
use crate::error::ShellError;

/// Who insists this often on stopping a query leaves the shell.
const INTERRUPTS_TO_EXIT: usize = 3;
/// Exit status of a process that SIGINT ended, by convention of Unix shells.
const EXIT_STATUS: i32 = 130;

#[derive(Default)]
struct State {
    busy: AtomicBool,
    count: AtomicUsize,
    target: Mutex<InterruptHandle>,
}

/// Listens to SIGINT on a thread of its own.
#[derive(Clone)]
pub struct Interrupts(Arc<State>);

impl Interrupts {
    pub fn listen() -> Result<Self, ShellError> {
        let state = Arc::new(State::default());
        let mut signals = Signals::new([SIGINT]).map_err(ShellError::Signals)?;
        let listener = Arc::clone(&state);
        thread::spawn(move || {
            for _ in signals.forever() {
                listener.on_interrupt();
            }
        });
        Ok(Self(state))
    }

    /// Stop the queries of this connection from now on.
    pub fn set_target(&self, target: InterruptHandle) {
        *self.0.target.lock().unwrap_or_else(PoisonError::into_inner) = target;
    }

    /// Forget interrupts of the input before.
    pub fn reset(&self) {
        self.0.count.store(0, Ordering::SeqCst);
    }

    /// Tell whether Ctrl-C was pressed since the last reset.
    pub fn seen(&self) -> bool {
        self.0.count.load(Ordering::SeqCst) > 0
    }

    /// Run the body as something that Ctrl-C stops. Outside of it, Ctrl-C ends the process.
    pub fn while_busy<T>(&self, body: impl FnOnce() -> T) -> T {
        let before = self.0.busy.swap(true, Ordering::SeqCst);
        let result = body();
        self.0.busy.store(before, Ordering::SeqCst);
        result
    }
}

impl State {
    fn on_interrupt(&self) {
        let count = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        if !self.busy.load(Ordering::SeqCst) || count >= INTERRUPTS_TO_EXIT {
            process::exit(EXIT_STATUS);
        }
        self.target.lock().unwrap_or_else(PoisonError::into_inner).interrupt();
    }
}

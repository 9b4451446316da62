//! `concurrentloop` and `concurrentforeach`: each iteration on its own thread and connection.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::context::Context;
use super::failure::{Cause, Stop};
use super::file_run::reset_label;
use super::scope::Bindings;
use super::sql;
use crate::database::{Connection, Database};
use crate::script::{Command, CommandKind, Loop};

/// Runs all iterations at once and waits for them.
///
/// # Errors
/// That of the first iteration, in their written order, that failed; the others stop at their next command.
pub fn run(context: &Context, database: &Database, header: &Loop, outer: &Bindings) -> Result<(), Stop> {
    let stopping = AtomicBool::new(false);
    let iteration = |values: &[String]| {
        let bindings = outer.with(header, values);
        let result = connect(context, database, header, &bindings)
            .and_then(|connection| execute(context, &connection, &header.body, &bindings, &stopping));
        stopping.fetch_or(result.is_err(), Ordering::SeqCst);
        result
    };
    let results: Vec<Result<(), Stop>> = thread::scope(|scope| {
        let threads: Vec<_> = header
            .iterations
            .iter()
            .map(|values| scope.spawn(|| iteration(values)))
            .collect();
        let join = |thread: thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        threads.into_iter().map(join).collect()
    });
    results.into_iter().collect()
}

fn connect(context: &Context, database: &Database, header: &Loop, bindings: &Bindings) -> Result<Connection, Stop> {
    let place = context.begin(header.body.first().map_or(0, |command| command.line), bindings)?;
    database.connect().map_err(|error| place.fail(Cause::Connect(error)))
}

fn execute(
    context: &Context,
    connection: &Connection,
    commands: &[Command],
    bindings: &Bindings,
    stopping: &AtomicBool,
) -> Result<(), Stop> {
    for command in commands.iter().filter(|command| bindings.satisfy(&command.conditions)) {
        if stopping.load(Ordering::SeqCst) {
            return Ok(());
        }
        let place = context.begin(command.line, bindings)?;
        match &command.kind {
            CommandKind::Statement(statement) => sql::statement(context, &place, connection, statement)?,
            CommandKind::Query(query) => sql::query(context, &place, connection, query)?,
            CommandKind::Loop(inner) => {
                for values in &inner.iterations {
                    execute(
                        context,
                        connection,
                        &inner.body,
                        &bindings.with(inner, values),
                        stopping,
                    )?;
                }
            }
            CommandKind::ResetLabel(label) => reset_label(context, &place, label)?,
            CommandKind::Sleep(duration) => {
                context.deadline.sleep(*duration);
                context.check_time(&place)?;
            }
            other => unreachable!("the parser refuses {other:?} in a concurrent loop"),
        }
    }
    Ok(())
}

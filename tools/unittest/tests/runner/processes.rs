//! Time limits, and the stand-alone server with stand-ins for it.

use std::time::{Duration, Instant};

use crate::fixture::Fixture;

/// Takes DuckDB hours, and can be interrupted.
const ENDLESS: &str =
    "SELECT count(*) FROM range(1000000000) a, range(1000000000) b WHERE hash(a.range) = hash(b.range + 1)";

#[test]
fn a_query_without_end_is_interrupted_and_named() {
    let text = format!("statement ok\nSELECT 1\n\nstatement ok\n{ENDLESS}\n");
    let fixture = Fixture::new(&[("a.test", &text), ("b.test", "statement ok\nSELECT 1\n")]);
    let start = Instant::now();
    let run = fixture.run(&["--timeout-secs", "1"]);
    assert!(
        start.elapsed() < Duration::from_secs(15),
        "it took {:?}",
        start.elapsed()
    );
    assert!(
        run.stdout.contains("a.test:4: the time limit of 1 s is over"),
        "{}",
        run.stdout
    );
    assert_eq!(run.closing_line(), "1 passed, 1 failed");
    assert!(!run.success);
}

#[test]
fn a_run_that_cannot_be_interrupted_is_given_up_and_named() {
    // One call of a scalar function, which does not look whether it is interrupted.
    let text = "statement ok\nSELECT levenshtein(repeat('a', 2000000), repeat('b', 2000000))\n";
    let fixture = Fixture::new(&[("a.test", text), ("b.test", "statement ok\nSELECT 1\n")]);
    let run = fixture.run(&["--timeout-secs", "1"]);
    assert!(
        run.stdout
            .contains("a.test:1: the time limit of 1 s is over, and the run does not react"),
        "{}",
        run.stdout
    );
    assert_eq!(run.closing_line(), "1 passed, 1 failed");
    assert!(!run.success);
}

#[test]
fn waiting_and_expected_errors_do_not_outlive_the_limit() {
    let fixture = Fixture::new(&[
        (
            "concurrent.test",
            &format!("concurrentloop i 0 2\n\nstatement ok\n{ENDLESS}\n\nendloop\n"),
        ),
        ("error.test", &format!("statement error\n{ENDLESS}\n----\nINTERRUPT\n")),
        ("sleep.test", "sleep 1000 seconds\n"),
    ]);
    let run = fixture.run(&["--timeout-secs", "1", "--jobs", "3"]);
    for place in ["concurrent.test:3:", "error.test:1:", "sleep.test:1:"] {
        let line = run.stdout.lines().find(|line| line.trim().starts_with(place));
        assert!(
            line.is_some_and(|line| line.contains("the time limit of 1 s is over")),
            "{place}\n{}",
            run.stdout
        );
    }
    assert_eq!(run.closing_line(), "0 passed, 3 failed");
}

/// Runs a file that requires a server, with a stand-in for the stand-alone server.
fn run_with_server(fixture: &Fixture, server: &std::path::Path) -> crate::fixture::Run {
    let server = server.to_string_lossy().into_owned();
    fixture.run(&["--server", "standalone", "--server-binary", &server])
}

#[test]
fn a_server_is_killed_and_its_errors_are_shown() {
    let fixture = Fixture::new(&[("a.test", "require duckling\n")]);
    let server = fixture.script(
        "server",
        "echo $$ > pid; echo arguments: $* >&2; echo booting; echo listening on 127.0.0.1:4711; exec sleep 1000",
    );
    let run = run_with_server(&fixture, &server);
    // It fails because there is no extension, after the server has started.
    assert!(
        run.stdout.contains("a.test:1: there is no extension at"),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout
            .contains("error output of the server:\n    arguments: --listen 127.0.0.1:0"),
        "{}",
        run.stdout
    );
    let pid = std::fs::read_to_string(fixture.path().join("pid")).expect("the server has started");
    assert!(
        !std::path::Path::new("/proc").join(pid.trim()).exists(),
        "process {pid} still runs"
    );
}

#[test]
fn a_server_that_does_not_come_up_fails_the_test() {
    let fixture = Fixture::new(&[("a.test", "require duckling\n")]);
    let ends = fixture.script("ends", "echo no such option >&2; exit 3");
    let run = run_with_server(&fixture, &ends);
    assert!(run.stdout.contains("ended before it listened"), "{}", run.stdout);
    assert!(run.stdout.contains("no such option"), "{}", run.stdout);
    let garbled = fixture.script("garbled", "echo listening on nowhere; exec sleep 1000");
    assert!(
        run_with_server(&fixture, &garbled)
            .stdout
            .contains("`nowhere` is not an address")
    );
    let missing = run_with_server(&fixture, &fixture.path().join("missing"));
    assert!(missing.stdout.contains("a.test:1: cannot start"), "{}", missing.stdout);
    assert_eq!(missing.closing_line(), "0 passed, 1 failed");
    assert!(!missing.success);
}

#[test]
fn a_test_process_that_crashes_fails_its_file_and_no_other() {
    let text = format!("statement ok\nSELECT 1\n\nstatement ok\n{ENDLESS}\n");
    let fixture = Fixture::new(&[("a.test", &text), ("b.test", "statement ok\nSELECT 1\n")]);
    let run = std::thread::scope(|scope| {
        let running = scope.spawn(|| fixture.run(&[]));
        let worker = wait_for_worker(&fixture.path().join("a.test"));
        // Time to get to the second statement.
        std::thread::sleep(Duration::from_secs(1));
        let killed = std::process::Command::new("kill").args(["-ABRT", &worker]).status();
        assert!(killed.is_ok_and(|status| status.success()));
        running.join().expect("the runner ends")
    });
    assert!(
        run.stdout.contains("a.test:4: the test process died: signal: 6"),
        "{}",
        run.stdout
    );
    assert_eq!(run.closing_line(), "1 passed, 1 failed");
}

/// Finds the id of the process that runs this file.
fn wait_for_worker(file: &std::path::Path) -> String {
    let file = file.to_string_lossy().into_owned();
    let is_worker = |arguments: &[u8]| {
        let arguments: Vec<_> = arguments
            .split(|byte| *byte == 0)
            .map(String::from_utf8_lossy)
            .collect();
        arguments.get(1).is_some_and(|first| first == "--worker") && arguments.get(2).is_some_and(|path| *path == file)
    };
    for _ in 0..200 {
        let processes = std::fs::read_dir("/proc")
            .expect("the kernel lists processes")
            .flatten();
        for process in processes {
            if std::fs::read(process.path().join("cmdline")).is_ok_and(|arguments| is_worker(&arguments)) {
                return process.file_name().to_string_lossy().into_owned();
            }
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("no test process for {file}");
}

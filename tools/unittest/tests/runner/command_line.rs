//! Filters, listing, counting, skipping.

use crate::fixture::{Fixture, must_pass};

const PASSES: &str = "statement ok\nSELECT 1\n";
const FAILS: &str = "query I\nSELECT 1\n----\n2\n";

#[test]
fn filters_are_paths_patterns_or_parts() {
    let fixture = Fixture::new(&[("a/one.test", PASSES), ("a/two.test", PASSES), ("b/one.test", FAILS)]);
    let closing = |filters: &[&str]| fixture.run(filters).closing_line().to_owned();
    assert_eq!(closing(&[]), "2 passed, 1 failed");
    assert_eq!(closing(&["a"]), "2 passed, 0 failed");
    assert_eq!(closing(&["a/*.test"]), "2 passed, 0 failed");
    assert_eq!(closing(&["*/one.test"]), "1 passed, 1 failed");
    assert_eq!(closing(&["two"]), "1 passed, 0 failed");
    assert_eq!(closing(&["two", "b/one.test", "two"]), "1 passed, 1 failed");
}

#[test]
fn a_filter_that_matches_nothing_fails() {
    let fixture = Fixture::new(&[("one.test", PASSES)]);
    for filter in ["three", "three*.test", "a/b.test"] {
        let run = fixture.run(&["one", filter]);
        assert!(!run.success, "{filter}");
        assert!(
            run.stderr.contains(&format!("`{filter}` matches no test file")),
            "{}",
            run.stderr
        );
    }
    let empty = Fixture::new(&[("note.txt", "")]).run(&[]);
    assert!(!empty.success);
    assert!(empty.stderr.contains("there is no test file below"), "{}", empty.stderr);
}

#[test]
fn runs_are_listed_once_per_server() {
    let fixture = Fixture::new(&[("a.test", PASSES), ("b.test", "require duckling\n")]);
    assert_eq!(
        fixture.run(&["--list"]).stdout,
        "a.test\nb.test [in-process]\nb.test [standalone]\n"
    );
    assert_eq!(
        fixture.run(&["--list", "--server", "standalone"]).stdout,
        "a.test\nb.test [standalone]\n"
    );
}

#[test]
fn several_files_run_at_once_and_are_all_counted() {
    let text = "statement ok\nSELECT 1\n";
    let names: Vec<String> = (0..6).map(|number| format!("{number}.test")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), text)).collect();
    let run = Fixture::new(&files).run(&["--jobs", "3"]);
    assert_eq!(run.closing_line(), "6 passed, 0 failed");
    assert!(run.success);
}

#[test]
fn a_skipped_file_tells_why() {
    let fixture = Fixture::new(&[
        (
            "env.test",
            "require-env NO_SUCH_VARIABLE_HERE\n\nstatement ok\nNOT SQL\n",
        ),
        ("extension.test", "require no_such_extension\n\nstatement ok\nNOT SQL\n"),
        (
            "ignored.test",
            "set ignore_error_messages no luck, other\n\nstatement ok\nSELECT error('no luck today')\n",
        ),
        ("vector.test", "require vector_size 100000\n"),
        ("windows.test", "require windows\n"),
    ]);
    let run = fixture.run(&[]);
    assert!(run.success, "{}", run.stdout);
    assert_eq!(run.closing_line(), "0 passed, 0 failed, 5 skipped");
    for reason in [
        "SKIP env.test: line 1: require-env NO_SUCH_VARIABLE_HERE: it is not set",
        "SKIP extension.test: line 1: require no_such_extension: ",
        "SKIP ignored.test: line 3: the file ignores errors with `no luck`: ",
        "SKIP vector.test: line 1: require vector_size 100000: it is 2048",
        "SKIP windows.test: line 1: require windows: ",
    ] {
        assert!(run.stdout.contains(reason), "no `{reason}` in:\n{}", run.stdout);
    }
}

#[test]
fn output_modes_print() {
    let run = must_pass("mode output_result\n\nquery I\nSELECT 41 + 1\n----\n42\n");
    assert!(run.stdout.contains("case.test:3:\n    42"), "{}", run.stdout);
    let run = must_pass("mode output_hash\n\nquery I\nSELECT 1\n----\n1\n");
    assert!(
        run.stdout
            .contains("1 values hashing to b026324c6904b2a9cb4b88d6d61c81d1"),
        "{}",
        run.stdout
    );
    let run = must_pass("mode debug\n\nstatement ok\nSELECT 'shown'\n");
    assert!(run.stdout.contains("case.test:3: SELECT 'shown'"), "{}", run.stdout);
}

#[test]
fn the_test_directory_is_removed() {
    let run = must_pass("mode output_result\n\nquery T\nSELECT '__TEST_DIR__/'\n----\n__TEST_DIR__/\n");
    let path = run
        .stdout
        .lines()
        .map(str::trim)
        .find(|line| line.ends_with("test_dir/"))
        .expect("it is printed");
    assert!(!std::path::Path::new(path).exists(), "{path} is still there");
}

//! Tests of variables, loops and conditions; whatever needs a database is tested by files in `test/sql/runner`.

use std::path::PathBuf;

use super::scope::{Bindings, Variables};
use crate::script::{Comparison, Loop, LoopCondition};

fn variables() -> Variables {
    let mut variables = Variables::new(PathBuf::from("/tmp/some"));
    assert!(variables.define("NAME", "value".to_owned()));
    assert!(
        !variables.define("NAME", "other".to_owned()),
        "a variable is defined once"
    );
    variables
}

fn looped(pairs: &[(&str, &str)]) -> Bindings {
    pairs.iter().fold(Bindings::default(), |outer, (name, value)| {
        let header = Loop {
            names: vec![(*name).to_owned()],
            iterations: Vec::new(),
            concurrent: false,
            body: Vec::new(),
        };
        outer.with(&header, &[(*value).to_owned()])
    })
}

#[test]
fn both_spellings_are_replaced() {
    let text = "${NAME} {NAME} ${TEST_DIR}/a __TEST_DIR__/b ${OTHER}";
    let replaced = Bindings::default().substitute(&variables(), text).unwrap();
    assert_eq!(replaced, "value value /tmp/some/a /tmp/some/b ${OTHER}");
}

#[test]
fn the_inner_loop_hides_the_outer_one_and_may_use_variables() {
    let bindings = looped(&[("i", "1"), ("j", "${NAME}"), ("i", "2")]);
    assert_eq!(bindings.substitute(&variables(), "${i} {j}").unwrap(), "2 value");
}

#[test]
fn free_ports_are_stable_and_distinct() {
    let variables = variables();
    let ask = |text: &str| Bindings::default().substitute(&variables, text).unwrap();
    let (first, second) = (ask("${FREE_PORT}"), ask("{FREE_PORT2}"));
    assert!(first.parse::<u16>().unwrap() > 0);
    assert_ne!(first, second);
    assert_eq!(ask("{FREE_PORT} ${FREE_PORT2}"), format!("{first} {second}"));
}

#[test]
fn each_uuid_is_new() {
    let ask = || Bindings::default().substitute(&variables(), "{UUID}").unwrap();
    assert_eq!(ask().len(), 36);
    assert_ne!(ask(), ask());
}

#[test]
fn conditions_compare_numbers_by_value_and_texts_by_equality() {
    let condition = |comparison, value: &str, skip| LoopCondition {
        variable: "i".to_owned(),
        comparison,
        value: value.to_owned(),
        skip,
    };
    let holds = |bindings: &Bindings, condition| bindings.satisfy(&[condition]);
    let ten = looped(&[("i", "10")]);
    assert!(holds(&ten, condition(Comparison::Greater, "9", false)));
    assert!(!holds(&ten, condition(Comparison::Greater, "9", true)));
    assert!(holds(&ten, condition(Comparison::LessOrEqual, "10", false)));
    assert!(!holds(&ten, condition(Comparison::Less, "10", false)));
    assert!(holds(&ten, condition(Comparison::NotEqual, "1", false)));
    assert!(holds(
        &looped(&[("i", "text")]),
        condition(Comparison::Equal, "text", false)
    ));
    assert!(!holds(
        &looped(&[("i", "text")]),
        condition(Comparison::Less, "5", false)
    ));
}

//! The work for bodies that are made to cause much of it, counted in bytes that are looked at.

use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use crate::{
    bounds::MAX_STEPS,
    csv::{Column, Csv, Row, Separator},
    extract::Extract,
    path::{Name, Path, Step},
    steps,
};

/// Length of the longer bodies: short enough for a square to be seen, not waited for.
const LENGTH: usize = 1 << 15;

/// How often a byte is looked at, at most: to check it, and up to twice for each of eight steps, by
/// several functions every time.
const MAX_STEPS_PER_BYTE: usize = 50;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn nested(step: Step) -> Extract {
    Extract::Json(Path::new(vec![step; MAX_STEPS]).unwrap())
}

fn csv(row: Row, column: Column) -> Extract {
    Extract::Csv(Csv { separator: Separator::COMMA, row, column })
}

/// Text of about a length, of a beginning, a repeated part that its number may be in, and an end.
fn body(length: usize, begin: &str, part: impl Fn(usize) -> String, end: &str) -> String {
    let mut text = String::from(begin);
    let mut number = 0;
    while text.len() + end.len() + part(number).len() <= length {
        text += &part(number);
        number += 1;
    }
    text + end
}

fn always(part: &str) -> impl Fn(usize) -> String + '_ {
    move |_| part.to_string()
}

/// Bodies of about a length, each with what is sought in it.
fn attacks(length: usize) -> Vec<(&'static str, Extract, String)> {
    let member = || nested(Step::Name(name("a")));
    let (first, last) = (|| nested(Step::Index(0)), || nested(Step::Index(-1)));
    let open = r#"{"a":"#.repeat(MAX_STEPS - 1);
    let close = "}".repeat(MAX_STEPS - 1);
    let long = "n".repeat(100);
    let by_name = |text| {
        csv(
            Row::Where { column: Column::Name(name(text)), equals: name(text) },
            Column::Name(name(text)),
        )
    };
    let third = length / 3;
    vec![
        ("open arrays", first(), "[".repeat(length)),
        ("empty arrays", last(), body(length, "[", always("[],"), "[]]")),
        ("full depth again and again", last(), {
            let deep = "[".repeat(60) + &"]".repeat(60) + ",";
            body(length, "[", always(&deep), "0]")
        }),
        (
            "elements of the innermost array",
            last(),
            body(length, &"[".repeat(8), always("0,"), &("0".to_string() + &"]".repeat(8))),
        ),
        ("elements before each step", last(), nested_arrays(length)),
        (
            "members of the innermost object",
            member(),
            body(
                length,
                &(open.clone() + "{"),
                |n| format!("\"{n}\":0,"),
                &format!("\"a\":1}}{close}"),
            ),
        ),
        (
            "names that differ at their ends",
            member(),
            body(
                length,
                &(open.clone() + "{"),
                |n| format!("\"{long}{n}\":0,"),
                &format!("\"a\":1}}{close}"),
            ),
        ),
        (
            "names that differ at their beginnings",
            member(),
            body(length, "{", |n| format!("\"{n}{long}\":0,"), "\"a\":1}"),
        ),
        (
            "names of escapes",
            member(),
            body(length, "{", |n| format!("\"\\u0061\\n{n}\":0,"), "\"a\":1}"),
        ),
        ("one name many times", member(), body(length, "{", always("\"a\":0,"), "\"a\":1}")),
        (
            "two long names",
            member(),
            format!("{{\"{0}\":1,\"{0}\":2,\"{0}\":3}}", "n".repeat(third - 10)),
        ),
        ("a long name of escapes", member(), body(length, "{\"", always("\\\\"), "\":1}")),
        (
            "a long string",
            Extract::Json(Path::new(vec![]).unwrap()),
            body(length, "\"", always("\\n"), "\""),
        ),
        ("a long number", Extract::Json(Path::new(vec![]).unwrap()), "1".repeat(length)),
        ("space", first(), body(length, "[", always(" "), "]")),
        ("quotes", by_name("x"), body(length, "x\n\"", always("\"\""), "\"\n")),
        ("quotes in the header", by_name("x"), body(length, "\"", always("\"\""), "\"\n")),
        ("empty lines", by_name("x"), body(length, "x\n", always("\n"), "")),
        ("a row of commas", by_name("x"), body(length, "x", always(","), "\n")),
        ("two rows of commas", by_name("x"), {
            let row = body(length / 2, "x", always(","), "\n");
            row.clone() + &row
        }),
        ("quoted rows", by_name("x"), body(length, "x,y\n", always("\"\"\"\",\"\"\n"), "")),
        ("the last row", csv(Row::Last, Column::Index(0)), body(length, "", always("1\r\n"), "")),
        ("text", Extract::Text, "\n".repeat(length)),
    ]
}

/// Arrays in the last element of each other, with elements before it.
fn nested_arrays(length: usize) -> String {
    let zeros = "0,".repeat(length / 2 / MAX_STEPS - 2);
    (0..MAX_STEPS).fold(String::from("0"), |inner, _| format!("[{zeros}{inner}]"))
}

/// The steps of all attacks of a length.
fn steps_of(length: usize) -> Vec<(&'static str, usize, usize)> {
    let run = |(label, extract, body): (_, Extract, String)| {
        assert!((length - length / 10..=length).contains(&body.len()), "{label}");
        let (steps, _) = steps::of(|| extract.find(body.as_bytes()).map(|text| text.len()));
        (label, body.len(), steps)
    };
    attacks(length).into_iter().map(run).collect()
}

#[test]
fn time_is_in_proportion_to_the_length() {
    let (half, whole) = (steps_of(LENGTH / 2), steps_of(LENGTH));
    for ((label, _, of_half), (_, length, of_whole)) in half.into_iter().zip(whole) {
        // Sorting names adds a little; a square would make it four times as much.
        assert!(2 * of_whole <= 5 * of_half, "{label}: {of_half} becomes {of_whole}");
        assert!(
            of_whole <= MAX_STEPS_PER_BYTE * length,
            "{label}: {of_whole} steps for {length} bytes"
        );
    }
}

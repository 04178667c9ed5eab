//! Properties of extraction for any input, and bounds of what it takes.

use assay_extract::{
    Column, Csv, Extract, Failure, InvalidExtract, Name, NumberFormat, Path, Row, Separator, Step,
    TimeFormat, MAX_DECIMALS, MAX_MAGNITUDE, MAX_NAME_BYTES, MAX_STEPS, MAX_TIME_MS,
};
use proptest::{collection::vec, prelude::*};

const WIDE: std::ops::RangeInclusive<i64> = -MAX_MAGNITUDE..=MAX_MAGNITUDE;

fn path(written: &str) -> Extract {
    Extract::Json(written.parse().unwrap())
}

fn is_json(text: &str) -> bool {
    let result = path("$").find(text.as_bytes());
    assert!(!matches!(result, Err(Failure::NotFound | Failure::Duplicate)));
    result.is_ok() || result == Err(Failure::WrongType)
}

/// Pieces of JSON and of what resembles it, of which most sequences are wrong.
fn tokens() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        "{", "}", "[", "]", ",", ":", "\"\"", "\"a\"", "\"", "\\", "\\n", "\\u00e9", "\\ud83d",
        "\\ude00", "é", "0", "-", "1", ".", "e", "+", "true", "null", "nul", " ", "\n", "\t", "\0",
        "\u{c}", "/", "NaN", "'a'",
    ];
    vec(prop::sample::select(PIECES), 0..12).prop_map(|pieces| pieces.concat())
}

/// JSON that is right, of up to four levels.
fn documents() -> impl Strategy<Value = String> {
    let string = prop::sample::select(&["\"a\"", "\"\"", "\"\\ud83d\\ude00\"", "\"é\\n\""][..]);
    let leaf = prop_oneof![
        prop::sample::select(&["0", "-1.5e2", "true", "false", "null", "[]", "{ }"][..]),
        string.clone(),
    ];
    leaf.prop_map(str::to_owned).prop_recursive(4, 24, 4, move |inner| {
        let member =
            (string.clone(), inner.clone()).prop_map(|(name, value)| format!("{name} :{value}"));
        prop_oneof![
            vec(inner, 0..4).prop_map(|values| format!("[{}]", values.join(", "))),
            vec(member, 0..4).prop_map(|members| format!("{{{}}}", members.join("\n,"))),
        ]
    })
}

fn names() -> impl Strategy<Value = String> {
    ".{0,8}|[a-z_é][a-z0-9_é]{0,8}|[\\x00-\\x7f]{0,8}"
}

fn paths() -> impl Strategy<Value = Path> {
    let step = prop_oneof![
        names().prop_map(|name| Step::Name(Name::new(name).unwrap())),
        any::<i32>().prop_map(Step::Index),
    ];
    vec(step, 0..=MAX_STEPS).prop_map(|steps| Path::new(steps).unwrap())
}

proptest! {
    #[test]
    fn what_is_json_is_json_to_another_parser(text in prop_oneof![tokens(), documents()]) {
        let theirs = serde_json::from_str::<serde_json::Value>(&text);
        // It refuses numbers beyond 64 bits of floating point.
        prop_assume!(!theirs.as_ref().is_err_and(|error| error.to_string().contains("range")));
        prop_assert_eq!(is_json(&text), theirs.is_ok());
    }

    #[test]
    fn documents_are_found_whole_and_no_beginning_of_one_is_a_document(
        text in documents(), cut in any::<prop::sample::Index>(),
    ) {
        prop_assert!(is_json(&text));
        let inside = format!(" [0,{text}]\n");
        let found = path("$[1]").find(inside.as_bytes());
        prop_assert_eq!(found, path("$").find(text.as_bytes()));
        let end = inside.trim_end();
        let cut = cut.index(end.len());
        let expected = if end.is_char_boundary(cut) { Failure::Truncated } else { Failure::Encoding };
        prop_assert_eq!(path("$[1]").find(&end.as_bytes()[..cut]), Err(expected));
    }

    #[test]
    fn any_bytes_give_a_value_or_a_failure(bytes in vec(any::<u8>(), 0..64), written in tokens()) {
        let csv = Csv { separator: Separator::COMMA, row: Row::Last, column: Column::Index(0) };
        for body in [&bytes, written.as_bytes()] {
            for extract in [path("$.a[0]"), Extract::Csv(csv.clone()), Extract::Text] {
                let found = extract.find(body);
                let decimals = NumberFormat::new(2, -5..=5).unwrap();
                if let Ok(value) = extract.number(body, &decimals) {
                    prop_assert!(found.is_ok() && (-5..=5).contains(&value));
                }
                if let Ok(time) = extract.time(body, TimeFormat::UnixSeconds) {
                    prop_assert!(found.is_ok() && i64::try_from(time).unwrap() <= MAX_TIME_MS);
                }
            }
        }
    }

    #[test]
    fn strings_survive_json(name in names(), value in ".{0,16}") {
        let body = serde_json::json!([{ "": 1, &name: &value }]).to_string();
        let steps = vec![Step::Index(-1), Step::Name(Name::new(name.clone()).unwrap())];
        let found = Extract::Json(Path::new(steps).unwrap()).find(body.as_bytes());
        prop_assert_eq!(found.as_deref(), Ok(value.as_str()));
    }

    #[test]
    fn paths_survive_printing(path in paths()) {
        let printed = path.to_string();
        prop_assert_eq!(printed.parse(), Ok(path));
    }

    #[test]
    fn any_text_is_a_path_or_an_error_that_points_into_it(text in "\\$?(\\.|\\[|\\]|'|\"|\\\\u|a|é|0|-|1){0,12}") {
        match text.parse::<Path>() {
            Ok(path) => prop_assert_eq!(path.to_string().parse(), Ok(path)),
            Err(InvalidExtract::Path { at }) => prop_assert!(text.is_char_boundary(at)),
            Err(error) => prop_assert!(matches!(error, InvalidExtract::Steps(_)), "{}", error),
        }
    }

    #[test]
    fn fields_survive_csv(rows in vec((names(), names()), 1..5), row in any::<prop::sample::Index>()) {
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let lines = rows.iter().map(|(left, right)| format!("{};{}\r\n", quoted(left), quoted(right)));
        let body: String = lines.collect();
        let (left, right) = &rows[row.index(rows.len())];
        let extract = Extract::Csv(Csv {
            separator: Separator::new(b';').unwrap(),
            row: Row::Where { column: Column::Index(0), equals: Name::new(left.clone()).unwrap() },
            column: Column::Index(1),
        });
        let is_allowed = |character: char| !character.is_ascii_control() || "\r\n".contains(character);
        let expected = if !rows.iter().all(|(a, b)| a.chars().chain(b.chars()).all(is_allowed)) {
            Err(Failure::Syntax)
        } else if rows.iter().filter(|row| row.0 == *left).count() > 1 {
            Err(Failure::Duplicate)
        } else {
            Ok(right.as_str())
        };
        let found = extract.find(body.as_bytes());
        prop_assert_eq!(found.as_deref(), expected.as_ref().copied());
    }

    #[test]
    fn rounding_is_to_the_nearest_with_ties_up(
        digits in -10_000_000_000_000_000i64..10_000_000_000_000_000, places in 0u32..12, decimals in 0..=MAX_DECIMALS,
    ) {
        // The number is digits / 10^places, written with a point or with an exponent.
        let sign = if digits < 0 { "-" } else { "" };
        let padded = format!("{:013}", digits.unsigned_abs());
        let (whole, fraction) = padded.split_at(padded.len() - places as usize);
        let whole = match whole.trim_start_matches('0') {
            "" => "0",
            whole => whole,
        };
        let point = if fraction.is_empty() { "" } else { "." };
        let scale = 10i128.pow(places);
        let doubled = 2 * i128::from(digits) * 10i128.pow(decimals.into()) + scale;
        let expected = i64::try_from(doubled.div_euclid(2 * scale)).ok();
        let expected = expected.filter(|value| WIDE.contains(value)).ok_or(Failure::OutOfRange);
        let format = NumberFormat::new(decimals, WIDE).unwrap();
        prop_assert_eq!(format.parse(&format!("{sign}{whole}{point}{fraction}")), expected);
        prop_assert_eq!(format.parse(&format!("{digits}e-{places}")), expected);
    }

    #[test]
    fn days_follow_each_other(day in 0u64..2_932_896) {
        // From the civil calendar: days of 400 years, 100 years, 4 years and one year.
        let from_march = day + 719_468;
        let (era, day_of_era) = (from_march / 146_097, from_march % 146_097);
        let years = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * years + years / 4 - years / 100);
        let month = (5 * day_of_year + 2) / 153;
        let of_month = day_of_year - (153 * month + 2) / 5 + 1;
        let (month, later) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
        let written = format!("{:04}-{month:02}-{of_month:02}", era * 400 + years + later);
        prop_assert_eq!(TimeFormat::Date.parse(&written), Ok(day * 86_400_000));
        let last = TimeFormat::DateTime.parse(&format!("{written}T23:59:59Z"));
        prop_assert_eq!(last, Ok(day * 86_400_000 + 86_399_000));
    }
}

#[test]
fn parts_outside_their_bounds_do_not_exist() {
    let long = "é".repeat(MAX_NAME_BYTES / 2);
    assert!(Name::new(long.clone()).is_ok());
    assert_eq!(Name::new(long + "x"), Err(InvalidExtract::NameLength(MAX_NAME_BYTES + 1)));
    assert!(Path::new(vec![Step::Index(0); MAX_STEPS]).is_ok());
    assert_eq!(
        Path::new(vec![Step::Index(0); MAX_STEPS + 1]),
        Err(InvalidExtract::Steps(MAX_STEPS + 1))
    );
    for byte in 0..=u8::MAX {
        let expected =
            if b",;\t|".contains(&byte) { Ok(byte) } else { Err(InvalidExtract::Separator(byte)) };
        assert_eq!(Separator::new(byte).map(Separator::byte), expected);
    }
    assert!(NumberFormat::new(MAX_DECIMALS, WIDE).is_ok());
    assert_eq!(NumberFormat::new(13, 0..=1), Err(InvalidExtract::Decimals(13)));
    for (min, max) in
        [(1, 0), (-MAX_MAGNITUDE - 1, 0), (0, MAX_MAGNITUDE + 1), (i64::MIN, i64::MAX)]
    {
        assert_eq!(NumberFormat::new(0, min..=max), Err(InvalidExtract::Range(min, max)));
    }
}

#[test]
fn errors_of_written_paths_name_the_first_wrong_byte() {
    for (written, at) in [
        ("", 0),
        ("a", 0),
        ("$a", 1),
        ("$.", 2),
        ("$.a.1", 4),
        ("$.ü b", 4),
        ("$[x]", 2),
        ("$[-0]", 3),
        ("$[01]", 3),
        ("$[9999999999]", 2),
        ("$['a", 4),
        ("$['\\x']", 4),
        ("$['\\u12g4']", 7),
        ("$['\\u12", 7),
        ("$['a'", 5),
        ("$['a'.b", 5),
        ("$['\n']", 3),
    ] {
        let error = written.parse::<Path>().unwrap_err();
        assert_eq!(error, InvalidExtract::Path { at }, "{written}");
        assert!(error.to_string().contains(&format!("byte {at};")));
    }
}

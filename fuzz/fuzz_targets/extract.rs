//! Bodies of answers and written paths: what is found has its form and is found again in the same
//! document inside another, and a document that is cut is none.
#![no_main]

use assay_extract::{
    Column, Csv, Extract, Failure, Name, NumberFormat, Path, Row, Separator, Step, TimeFormat,
    MAX_MAGNITUDE, MAX_TIME_MS,
};
use assay_fuzz::seed;
use libfuzzer_sys::fuzz_target;

fn json(path: &str) -> Extract {
    Extract::Json(path.parse().unwrap())
}

fn csv(separator: u8, row: Row, column: Column) -> Extract {
    Extract::Csv(Csv { separator: Separator::new(separator).unwrap(), row, column })
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// An extraction, determined by a number.
fn extract(number: u8) -> Extract {
    let row = || Row::Where { column: Column::Name(name("a")), equals: name("1") };
    match number % 8 {
        0 => json("$"),
        1 => json("$.a"),
        2 => json("$.a[0].b"),
        3 => json("$[-1]['a\\n']"),
        4 => csv(b',', Row::First, Column::Index(1)),
        5 => csv(b'\t', row(), Column::Name(name("b"))),
        6 => csv(b',', row(), Column::Index(0)),
        _ => Extract::Text,
    }
}

fn check(extract: &Extract, body: &[u8]) {
    let found = extract.find(body);
    for decimals in [0, 4, 12] {
        let format = NumberFormat::new(decimals, -MAX_MAGNITUDE..=MAX_MAGNITUDE).unwrap();
        let number = extract.number(body, &format);
        match &found {
            Ok(text) => assert_eq!(number, format.parse(text)),
            Err(failure) => assert_eq!(number, Err(*failure)),
        }
        if let Ok(value) = number {
            // What it is rounded to is exact.
            let digits = value.to_string();
            assert_eq!(format.parse(&format!("{digits}e-{decimals}")), Ok(value));
        }
    }
    let formats = [
        TimeFormat::UnixSeconds,
        TimeFormat::UnixMilliseconds,
        TimeFormat::Date,
        TimeFormat::DateTime,
    ];
    for format in formats {
        if let Ok(time) = extract.time(body, format) {
            assert!(found.is_ok() && time <= MAX_TIME_MS as u64);
        }
    }
}

/// A document is found inside another as by itself, and the other cut anywhere is none.
fn check_inside(path: &Path, body: &[u8], cut: usize) {
    let found = Extract::Json(path.clone()).find(body);
    let steps = [&[Step::Index(-1)], path.steps()].concat();
    let extract = Extract::Json(Path::new(steps).unwrap());
    let inside = [b"[[], ", body, b"]"].concat();
    let again = extract.find(&inside);
    match found {
        // As deep as it may be by itself.
        _ if again == Err(Failure::Depth) => return,
        Ok(_) | Err(Failure::NotFound | Failure::Duplicate | Failure::WrongType) => {
            assert_eq!(again, found);
        },
        Err(_) => return,
    }
    let cut = &inside[..cut % inside.len()];
    let expected = match std::str::from_utf8(cut) {
        Ok(_) => Failure::Truncated,
        Err(_) => Failure::Encoding,
    };
    assert_eq!(extract.find(cut), Err(expected));
}

fn seeds() -> Vec<Vec<u8>> {
    let bodies: [&[u8]; 9] = [
        b"-12.5e-1",
        br#"{"a": "\u00fc\ud83d\ude00", "b": [1, {}, true]}"#,
        br#"{"a": [{"b": "2014-11-01T00:00:00Z"}], "\u0061b": null}"#,
        br#"[[], {"a\n": 1421311800}]"#,
        b"a,b\r\n1,2.5\r\n",
        b"a\tb\n\"1\"\t\"2\"\n3\t\"\"\"\"\n",
        b"x,a\n2014-11-01,1\n",
        b"840000\n",
        b"$.a[0]['b\\u0041'][-1]",
    ];
    (0..).zip(bodies).map(|(number, body)| [&[number, 7], body].concat()).collect()
}

fuzz_target!(init: seed(seeds()), |data: &[u8]| {
    let [number, cut, body @ ..] = data else { return };
    let extract = extract(*number);
    check(&extract, body);
    if let Extract::Json(path) = &extract {
        check_inside(path, body, usize::from(*cut) * (body.len() + 6) / 256);
    }
    if let Some(path) = std::str::from_utf8(body).ok().and_then(|text| text.parse::<Path>().ok()) {
        assert_eq!(path.to_string().parse(), Ok(path));
    }
});

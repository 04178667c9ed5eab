//! The report of a run: `report.json`, `junit.xml` and `plot.svg` in its folder.

use std::{collections::BTreeMap, fmt::Write, path::Path};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::observer::{pace, quantile, Pace, Sample};

/// Something that happened in a run.
#[derive(Clone, Debug, Serialize)]
pub struct Mark {
    /// Seconds since the start of the scenario.
    pub seconds: f64,
    /// What happened.
    pub text: String,
}

/// The report of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The scenario.
    pub scenario: String,
    /// The network definition.
    pub network: String,
    /// Seconds from the start of the network to the end of the scenario.
    pub seconds: f64,
    /// What failed; `None` if the scenario passed.
    pub failure: Option<String>,
    /// Figures that the scenario measured, by name.
    pub figures: BTreeMap<String, f64>,
    /// What happened, in order.
    pub marks: Vec<Mark>,
    /// Heights over time.
    pub samples: Vec<Sample>,
}

impl Report {
    /// Adds the figures of the chain's pace, and writes the three files.
    ///
    /// # Errors
    ///
    /// A file cannot be written.
    pub fn write(mut self, folder: &Path) -> Result<()> {
        let pace = pace(&self.samples);
        for (name, values) in
            [("block time", &pace.block_times), ("time to finality", &pace.finality)]
        {
            for (label, share) in [("p50", 0.5), ("p99", 0.99), ("largest", 1.0)] {
                let value = quantile(values.iter().map(|(_, value)| *value), share);
                self.figures.insert(format!("{name}, {label}, seconds"), value);
            }
        }
        let files = [
            ("report.json", serde_json::to_string_pretty(&self)? + "\n"),
            ("junit.xml", self.junit()),
            ("plot.svg", self.plot(&pace)),
        ];
        for (name, text) in files {
            let file = folder.join(name);
            std::fs::write(&file, text)
                .with_context(|| format!("cannot write {}", file.display()))?;
        }
        Ok(())
    }

    fn junit(&self) -> String {
        let (name, seconds) = (escape(&self.scenario), self.seconds);
        let failures = u8::from(self.failure.is_some());
        let failure = match &self.failure {
            Some(text) => format!("<failure>{}</failure>", escape(text)),
            None => String::new(),
        };
        let mut figures = String::new();
        for (name, value) in &self.figures {
            let _ = writeln!(
                figures,
                r#"      <property name="{}" value="{value:.3}"/>"#,
                escape(name)
            );
        }
        format!(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="zombienet" tests="1" failures="{failures}" time="{seconds:.1}">
    <properties>
{figures}    </properties>
    <testcase classname="zombienet" name="{name}" time="{seconds:.1}">{failure}</testcase>
  </testsuite>
</testsuites>
"#
        )
    }

    fn plot(&self, pace: &Pace) -> String {
        let span = self.seconds.max(1.0);
        let panels = [
            ("time since the previous block, s", &pace.block_times),
            ("time from first sight to finality, s", &pace.finality),
        ];
        let height = PANEL * 2 + 2 * MARGIN + MARK_LINE * self.marks.len();
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
             font-family=\"sans-serif\" font-size=\"11\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
             <text x=\"{MARGIN}\" y=\"16\" font-size=\"13\">{}, network {}</text>\n",
            escape(&self.scenario),
            escape(&self.network)
        );
        for (index, (title, points)) in panels.into_iter().enumerate() {
            panel(&mut svg, MARGIN + index * PANEL, title, points, span);
        }
        let bottom = MARGIN + 2 * PANEL;
        for (index, mark) in self.marks.iter().enumerate() {
            let x = place(mark.seconds, span);
            let _ = writeln!(
                svg,
                "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{MARGIN}\" y2=\"{}\" stroke=\"#c66\" \
                 stroke-dasharray=\"2 3\"/>\n<text x=\"{MARGIN}\" y=\"{}\" fill=\"#555\">\
                 {:.0} s: {}</text>",
                bottom - MARGIN,
                bottom + MARK_LINE * (index + 1),
                mark.seconds,
                escape(&mark.text)
            );
        }
        svg + "</svg>\n"
    }
}

/// Width of the plot in pixels.
const WIDTH: usize = 900;
/// Space around panels in pixels.
const MARGIN: usize = 40;
/// Height of a panel with its space, in pixels.
const PANEL: usize = 220;
/// Height of the line of a mark, in pixels.
const MARK_LINE: usize = 15;

/// The horizontal place of a time in a plot of `span` seconds.
fn place(seconds: f64, span: f64) -> f64 {
    MARGIN as f64 + seconds / span * (WIDTH - 2 * MARGIN) as f64
}

fn panel(svg: &mut String, top: usize, title: &str, points: &[(f64, f64)], span: f64) {
    let largest = points.iter().map(|(_, value)| *value).fold(1.0, f64::max);
    let (inner, floor) = ((PANEL - MARGIN) as f64, top + PANEL - MARGIN);
    let _ = writeln!(
        svg,
        "<text x=\"{MARGIN}\" y=\"{}\">{title}</text>\n\
         <path d=\"M{MARGIN} {top}V{floor}H{}\" fill=\"none\" stroke=\"#888\"/>\n\
         <text x=\"4\" y=\"{}\">{largest:.1}</text><text x=\"4\" y=\"{floor}\">0</text>\n\
         <text x=\"{}\" y=\"{}\">{span:.0} s</text>",
        top - 6,
        WIDTH - MARGIN,
        top + 10,
        WIDTH - MARGIN - 30,
        floor + 14
    );
    for (seconds, value) in points {
        let (x, y) = (place(*seconds, span), floor as f64 - value / largest * inner);
        let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"1.6\" fill=\"#27c\"/>");
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_in_every_file() {
        let folder = std::env::temp_dir().join(format!("zombienet-report-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let report = Report {
            scenario: "trial".into(),
            network: "none".into(),
            seconds: 3.0,
            failure: Some("1 < 2 & \"so\"".into()),
            figures: BTreeMap::from([("requests".into(), 5.0)]),
            marks: vec![Mark { seconds: 1.0, text: "failed: 1 < 2".into() }],
            samples: Vec::new(),
        };
        report.write(&folder).unwrap();
        let read = |name| std::fs::read_to_string(folder.join(name)).unwrap();
        let json: serde_json::Value = serde_json::from_str(&read("report.json")).unwrap();
        assert_eq!(json["failure"], "1 < 2 & \"so\"");
        let junit = read("junit.xml");
        assert!(junit.contains(r#"failures="1""#), "{junit}");
        assert!(junit.contains("<failure>1 &lt; 2 &amp; &quot;so&quot;</failure>"), "{junit}");
        assert!(junit.contains(r#"name="requests" value="5.000""#), "{junit}");
        assert!(read("plot.svg").contains("failed: 1 &lt; 2"));
        std::fs::remove_dir_all(folder).unwrap();
    }
}

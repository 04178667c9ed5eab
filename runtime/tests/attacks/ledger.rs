//! What an attack needed, cost and did, and when it counts as prevented.

use assay_primitives::{Balance, ASY};

/// A measured attack.
pub struct Measured {
    /// Its name, which is that of its row.
    pub attack: &'static str,
    /// The largest amount that the attackers had bound at one time, in plancks.
    pub capital: Balance,
    /// What the attackers lost, in plancks; negative if they gained.
    pub cost: i128,
    /// The harm, in plancks.
    pub harm: Balance,
    /// What the harm is.
    pub what: &'static str,
    /// The smallest ratio of cost to harm at which the attack counts as prevented, in percent.
    pub least_percent: u32,
}

/// An amount in ASY.
fn asy(plancks: f64) -> String {
    format!("{:.4}", plancks / ASY as f64)
}

impl Measured {
    /// Whether the attackers gained nothing, and the harm cost them at least the stated ratio.
    pub fn is_prevented(&self) -> bool {
        let Ok(cost) = u128::try_from(self.cost) else { return false };
        cost.saturating_mul(100) >= self.harm.saturating_mul(self.least_percent.into())
    }

    /// The ratio of cost to harm.
    fn ratio(&self) -> String {
        match self.harm {
            0 => "-".into(),
            harm => format!("{:.3}", self.cost as f64 / harm as f64),
        }
    }

    /// The row of the table.
    pub fn row(&self) -> String {
        let Self { attack, capital, cost, harm, what, least_percent } = self;
        format!(
            "| {attack} | {} | {} | {} | {what} | {} | {:.2} | {} |",
            asy(*capital as f64),
            asy(*cost as f64),
            asy(*harm as f64),
            self.ratio(),
            f64::from(*least_percent) / 100.0,
            if self.is_prevented() { "yes" } else { "**no**" },
        )
    }

    /// Prints the row. Fails if the attack pays.
    pub fn check(&self) {
        println!("{}", self.row());
        assert!(self.is_prevented(), "the attack pays: {}", self.row());
    }

    /// [`Self::check`], which accepts harm that costs more than it does. This does not.
    pub fn check_harmless(&self) {
        self.check();
        assert_eq!(self.harm, 0, "the attack does harm: {}", self.row());
    }
}

const HEADER: &str = "\
| attack | capital | cost | harm | the harm is | cost / harm | needed | prevented |
|---|---|---|---|---|---|---|---|
";

/// Whether two cells agree: as texts, or as numbers within a quarter. Fees follow the weights, which
/// are somewhat different each time they are measured.
fn agree(found: &str, expected: &str) -> bool {
    match (found.parse::<f64>(), expected.parse::<f64>()) {
        (Ok(found), Ok(expected)) => {
            (found - expected).abs() <= expected.abs() / 4.0 + f64::EPSILON
                || (found - expected).abs() < 0.002
        },
        _ => found == expected,
    }
}

/// Compares the table in a document, or writes it if `ASSAY_UPDATE_ECONOMICS` is set.
pub fn compare(all: &[Measured], path: &str) {
    let text = std::fs::read_to_string(path).expect("the document exists");
    let start = text.find(HEADER).expect("the document has the head of the table");
    let rest = &text[start..];
    let old = &rest[..rest.find("\n\n").map_or(rest.len(), |end| end + 1)];
    let rows: Vec<String> = all.iter().map(Measured::row).collect();
    if std::env::var("ASSAY_UPDATE_ECONOMICS").is_ok() {
        let table = format!("{HEADER}{}\n", rows.join("\n"));
        std::fs::write(path, text.replace(old, &table)).expect("the document can be written");
        return;
    }
    let found: Vec<&str> = old.lines().skip(2).collect();
    assert_eq!(found.len(), rows.len(), "the number of attacks in {path}");
    for (found, expected) in found.iter().zip(&rows) {
        let is_same = found
            .split('|')
            .zip(expected.split('|'))
            .all(|(found, expected)| agree(found.trim(), expected.trim()));
        assert!(
            is_same && found.split('|').count() == expected.split('|').count(),
            "in {path}: {found}\nmeasured:  {expected}\nwrite the table with ASSAY_UPDATE_ECONOMICS=1"
        );
    }
}

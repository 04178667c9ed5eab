//! `validator validate`: the terms of a candidate.

use assay_client::{
    calls::{validators, Share, ValidatorPreferences},
    validators::LastTerms,
};
use codec::Compact;
use serde_json::json;

use super::check_candidate;
use crate::{context::Context, failure::Failure};

/// Becomes a candidate, or changes the terms. What is not given stays as it is, or was last.
pub async fn validate(
    context: &Context<'_>,
    commission: Option<Share>,
    blocked: Option<bool>,
) -> Result<(), Failure> {
    check_candidate(context).await?;
    let last = context.connect().await?.last_terms(&context.own_account()?).await?;
    let terms = choose(commission, blocked, last.as_ref());
    let done = format!(
        "takes part in elections from the next one on, at a commission of {}{}, and {}",
        terms.commission.0,
        origin(commission, last.as_ref()),
        nominators(terms.blocked)
    );
    let call = validators::validate(terms.clone());
    let inclusion = super::super::submit(context, &call).await?;
    let mut json = super::super::included(&call, inclusion);
    json["commission_ppb"] = json!(terms.commission.0.parts());
    json["blocked"] = json!(terms.blocked);
    context.output.result(&json, || format!("{done} (block {})", inclusion.height));
    Ok(())
}

/// Whether a validator takes nominators, in words.
pub fn nominators(blocked: bool) -> &'static str {
    match blocked {
        true => "takes no more nominators",
        false => "takes nominators",
    }
}

fn choose(
    commission: Option<Share>,
    blocked: Option<bool>,
    last: Option<&LastTerms>,
) -> ValidatorPreferences {
    let last = last.map(|(LastTerms::InForce(terms) | LastTerms::OfEra(_, terms))| terms);
    ValidatorPreferences {
        commission: commission
            .map(Compact)
            .or(last.map(|terms| terms.commission))
            .unwrap_or(Compact(Share::default())),
        blocked: blocked.or(last.map(|terms| terms.blocked)).unwrap_or_default(),
    }
}

/// Where a commission is from, to follow it.
fn origin(given: Option<Share>, last: Option<&LastTerms>) -> String {
    match (given, last) {
        (Some(_), _) => String::new(),
        (None, Some(LastTerms::InForce(_))) => " as before".to_owned(),
        (None, Some(LastTerms::OfEra(era, _))) => format!(" as in era {era}"),
        (None, None) => " (--commission sets another one)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(percent: &str, blocked: bool) -> ValidatorPreferences {
        let commission = Compact(Share::from_percent(percent).unwrap());
        ValidatorPreferences { commission, blocked }
    }

    #[test]
    fn what_is_not_given_stays_as_it_was() {
        let five = terms("5", true);
        let ten = Some(Share::from_percent("10").unwrap());
        for last in [LastTerms::InForce(five.clone()), LastTerms::OfEra(7, five)] {
            let last = Some(&last);
            assert_eq!(choose(None, None, last), terms("5", true));
            assert_eq!(choose(ten, None, last), terms("10", true));
            assert_eq!(choose(None, Some(false), last), terms("5", false));
        }
        assert_eq!(choose(None, None, None), terms("0", false));
        assert_eq!(choose(ten, Some(true), None), terms("10", true));
    }

    #[test]
    fn a_commission_that_was_not_given_is_explained() {
        let five = terms("5", false);
        assert_eq!(origin(Some(Share::default()), None), "");
        assert_eq!(origin(None, Some(&LastTerms::InForce(five.clone()))), " as before");
        assert_eq!(origin(None, Some(&LastTerms::OfEra(7, five))), " as in era 7");
        assert!(origin(None, None).contains("--commission"));
    }
}

//! Properties of inputs from feeds, for any values.

mod strategies;

use assay_math::pipeline::{
    check, last_candles, last_rounds, tensors, Candle, Cast, Channel, Norm, NumberType, Out,
    PipelineFailure, Quant, Sampling, Statistic, MAX_SHIFT,
};
use proptest::{collection::vec, prelude::*, sample::select};
use strategies::*;

#[test]
fn nothing_but_a_variance_has_no_room() {
    let alternating: Vec<_> = [TOP, -TOP].repeat(128);
    let mut outlier = vec![-TOP; 255];
    outlier.push(TOP);
    let flat = vec![TOP; 256];
    for quant in [whole(u32::MAX, 1), whole(u32::MAX, u32::MAX), whole(1, u32::MAX)] {
        for x in [&alternating, &outlier, &flat] {
            for norm in NORMS {
                let failure = normalised(x, norm, quant).err();
                let is_divided = matches!(norm, Norm::OverMean | Norm::OverLast);
                assert!(matches!(failure, None | Some(PipelineFailure::Negative)));
                assert!(failure.is_none() || is_divided, "{norm:?} {failure:?}");
            }
            for y in [&alternating, &outlier, &flat] {
                correlation(x, y, quant);
            }
            for what in STATISTICS {
                let result = channel(x.len(), Out::Stat { what, quant }).run(x, &[]);
                let has_room = what != Statistic::Variance || x == &flat || quant.num == 1;
                assert_eq!(result.err(), (!has_room).then_some(PipelineFailure::Overflow));
            }
            for last in [1, 255, 256] {
                let ratio = Channel { abs: true, ..channel(256, Out::LogRatio { last, quant }) };
                assert!(ratio.run(x, &[]).is_ok());
            }
        }
    }
}

proptest! {
    #[test]
    fn elements_are_within_their_bounds_and_nothing_panics((channel, of, with) in cases()) {
        let valid = channel.check();
        prop_assert_eq!(check(&[channel]), valid.map_err(|why| (0, why)));
        match channel.run(&of, &with) {
            Ok(data) => {
                prop_assert_eq!(valid, Ok(()));
                let quant = channel.out.quant();
                let integers = integers(quant, &data);
                prop_assert_eq!(integers.len(), usize::from(channel.elements()));
                prop_assert!(integers.iter().all(|x| quant.lo <= *x && *x <= quant.hi));
                prop_assert_eq!(channel.levels() as usize, of.len() + with.len());
            },
            Err(PipelineFailure::Invalid(why)) => prop_assert_eq!(valid, Err(why)),
            Err(why) => {
                prop_assert_eq!(valid, Ok(()));
                use PipelineFailure::*;
                prop_assert!(!matches!(why, Order | TooFew | Gap | Length), "{why:?}");
            },
        }
    }

    #[test]
    fn another_number_of_levels_is_refused(
        (channel, of, with) in cases(), more in any::<bool>(), which in any::<bool>(),
    ) {
        prop_assume!(channel.check().is_ok());
        let (mut of, mut with) = (of, with);
        let series = if which { &mut of } else { &mut with };
        if more { series.push(1) } else { prop_assume!(series.pop().is_some()) }
        prop_assert_eq!(channel.run(&of, &with), Err(PipelineFailure::Length));
    }

    #[test]
    fn a_shift_of_all_levels_changes_neither_standardised_elements_nor_correlations(
        pairs in vec((-TOP / 2..=TOP / 2, -TOP / 2..=TOP / 2), 1..40),
        shift in -TOP / 2..=TOP / 2,
    ) {
        let (x, y): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        let shifted: Vec<_> = x.iter().map(|x| x + shift).collect();
        for norm in [Norm::Standardise, Norm::MinMax] {
            let quant = whole(SCALE, 1);
            prop_assert_eq!(normalised(&x, norm, quant), normalised(&shifted, norm, quant));
        }
        prop_assert_eq!(
            correlation(&x, &y, whole(SCALE, 1)), correlation(&shifted, &y, whole(SCALE, 1))
        );
    }

    #[test]
    fn a_factor_of_all_levels_changes_no_proportion(
        x in vec(0i64..1 << 40, 1..40), factor in 1i64..1 << 13,
    ) {
        let larger: Vec<_> = x.iter().map(|x| x * factor).collect();
        for norm in [Norm::MinMax, Norm::OverMean, Norm::OverLast] {
            let quant = whole(SCALE, 3);
            prop_assert_eq!(normalised(&x, norm, quant), normalised(&larger, norm, quant));
        }
    }

    #[test]
    fn standardised_elements_and_correlations_are_as_accurate_as_stated(
        pairs in vec((-1_000i64..1_000, -50i64..50), 2..40),
    ) {
        let (x, y): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        let n = x.len() as f64;
        let sum = |x: &[i64]| x.iter().sum::<i64>() as f64;
        let covariance = |x: &[i64], y: &[i64]| {
            n * x.iter().zip(y).map(|(x, y)| (x * y) as f64).sum::<f64>() - sum(x) * sum(y)
        };
        let (rx, ry) = (covariance(&x, &x).sqrt(), covariance(&y, &y).sqrt());
        prop_assume!(rx > 0.0 && ry > 0.0);
        let unit = f64::from(SCALE);
        let standardised = normalised(&x, Norm::Standardise, whole(SCALE, 1)).unwrap();
        for (level, found) in x.iter().zip(standardised) {
            let exact = (n * *level as f64 - sum(&x)) / rx;
            let excess = (f64::from(found) / unit - exact) * exact.signum();
            let bound = exact.abs() / rx.floor() + 1.0 / unit;
            prop_assert!(-1.0 / unit <= excess && excess <= bound, "{found} {exact}");
        }
        let exact = covariance(&x, &y) / (rx * ry);
        let found = f64::from(correlation(&x, &y, whole(SCALE, 1))) / unit;
        let bound = 1.0 / rx.floor() + 3.0 / ry.floor() + 1.0 / unit;
        prop_assert!((found - exact).abs() <= bound, "{found} {exact} {bound}");
    }

    #[test]
    fn statistics_agree_with_each_other(x in vec(-30_000i64..30_000, 1..40)) {
        let of = |what| statistic(&x, what);
        prop_assert_eq!((of(Statistic::First), of(Statistic::Last)), (x[0], x[x.len() - 1]));
        let (min, max) = (of(Statistic::Min), of(Statistic::Max));
        prop_assert!(x.contains(&min) && x.contains(&max));
        prop_assert!(x.iter().all(|x| min <= *x && *x <= max));
        let (mean, median) = (of(Statistic::Mean), of(Statistic::Median));
        prop_assert!(min <= mean && mean <= max);
        prop_assert!(x.contains(&median));
        // At least half are not larger, and fewer than half smaller.
        prop_assert!(2 * x.iter().filter(|x| **x <= median).count() >= x.len());
        prop_assert!(2 * x.iter().filter(|x| **x < median).count() < x.len());
        let (variance, std) = (of(Statistic::Variance), of(Statistic::Std));
        prop_assert!(std * std <= variance && variance < (std + 1) * (std + 1));
        prop_assert!(4 * variance <= (max - min).pow(2) + 2);
    }

    #[test]
    fn a_ratio_of_logarithms_has_the_sign_of_the_difference_of_means(
        x in vec(0i64..1 << 40, 2..40), cut in any::<prop::sample::Index>(), power in 0u32..12,
    ) {
        let last = cut.index(x.len()) + 1;
        let quant = whole(1, 1);
        let out = Out::LogRatio { last: last.try_into().unwrap(), quant };
        let ratio = Channel { abs: true, ..channel(x.len(), out) };
        let found = integers(&quant, &ratio.run(&x, &[]).unwrap())[0];
        let mean = |x: &[i64]| x.iter().sum::<i64>() as f64 / x.len() as f64;
        let recent = mean(&x[x.len() - last..]);
        if recent == 0.0 {
            prop_assert_eq!(found, quant.lo);
        } else {
            let exact = (recent / mean(&x)).log2() * 65_536.0;
            prop_assert!((f64::from(found) - exact).abs() < 1.0 + 1e-3, "{found} {exact}");
        }
        if last == x.len() && recent > 0.0 {
            prop_assert_eq!(found, 0);
        }
        // Powers of two only move the integer parts of both.
        let larger: Vec<_> = x.iter().map(|x| x << power).collect();
        prop_assert_eq!(ratio.run(&larger, &[]), ratio.run(&x, &[]));
    }

    #[test]
    fn larger_elements_never_become_smaller_ones(
        a in -TOP..=TOP, b in -TOP..=TOP, quant in quants(),
    ) {
        let (a, b) = (a.min(b), a.max(b));
        if let Ok(found) = normalised(&[a, b], Norm::Raw, quant) {
            prop_assert!(found[0] <= found[1]);
        }
    }

    #[test]
    fn candles_without_gaps_are_their_prices(
        candles in candles(), field in select(FIELDS.to_vec()), count in 0..20u16, fill in 0..3u8,
    ) {
        let dense: Vec<_> = (100..).zip(&candles).map(|(interval, candle)| Candle {
            interval, ..*candle
        }).collect();
        let end = 100 + dense.len() as u64;
        let prices: Vec<_> = dense.iter().map(|candle| candle.price(field)).collect();
        prop_assert_eq!(
            last_candles(&dense, end, field, count, fill), last_rounds(&prices, count)
        );
    }

    #[test]
    fn levels_of_candles_depend_on_no_more_than_stated(
        candles in candles(), field in select(FIELDS.to_vec()), count in 1..20u16, fill in 0..3u8,
        end in 50..120u64,
    ) {
        let found = last_candles(&candles, end, field, count, fill);
        // Not on what is at the end and later, nor on more than one before the first interval.
        let closed: Vec<_> =
            candles.iter().copied().filter(|candle| candle.interval < end).collect();
        let few = &closed[closed.len().saturating_sub(usize::from(count) + 1)..];
        prop_assert_eq!(&last_candles(few, end, field, count, fill), &found);
        if let Ok(levels) = found {
            prop_assert_eq!(levels.len(), usize::from(count));
            prop_assert_eq!(last_candles(&candles, end, field, count, fill + 1), Ok(levels.clone()));
            let fewer = last_candles(&candles, end, field, count - 1, fill);
            prop_assert_eq!(fewer.as_deref(), Ok(&levels[1..]));
        }
    }

    #[test]
    fn tensors_are_their_channels_one_after_another(
        cases in vec((cases(), 0..3u8), 0..18), shift in 0..=MAX_SHIFT,
    ) {
        // Of one type, with a feed for each.
        let mut feeds = Vec::new();
        let mut channels = Vec::new();
        for ((mut channel, of, _), tensor) in cases {
            let quant = Quant { lo: 0, hi: 100, to: Cast::F32 { shift }, ..*channel.out.quant() };
            channel.out = Out::Stat { what: Statistic::Median, quant };
            channel.of = Sampling::Rounds { feed: feeds.len() as u8, count: channel.of.count() };
            channel.tensor = tensor;
            channels.push(channel);
            feeds.push(of);
        }
        let levels = |sampling| match sampling {
            Sampling::Rounds { feed, count } => last_rounds(&feeds[usize::from(feed)], count),
            Sampling::Candles { .. } => unreachable!(),
        };
        match tensors(&channels, levels) {
            Ok(made) => {
                prop_assert_eq!(check(&channels), Ok(()));
                for (number, tensor) in made.iter().enumerate() {
                    let of_tensor = channels.iter().zip(&feeds);
                    let of_tensor = of_tensor.filter(|(channel, _)| channel.tensor as usize == number);
                    let parts = of_tensor.map(|(channel, of)| channel.run(of, &[]).unwrap());
                    prop_assert_eq!(&tensor.data, &parts.flatten().collect::<Vec<_>>());
                    prop_assert_eq!(tensor.number_type, NumberType::F32);
                    prop_assert!(!tensor.data.is_empty());
                }
            },
            Err((index, PipelineFailure::Invalid(why))) => {
                prop_assert_eq!(check(&channels), Err((index, why)));
            },
            Err((index, why)) => {
                prop_assert_eq!(channels[index].run(&feeds[index], &[]), Err(why));
                let earlier = channels.iter().zip(&feeds).take(index);
                prop_assert!(earlier.map(|(channel, of)| channel.run(of, &[])).all(|run| run.is_ok()));
            },
        }
    }
}

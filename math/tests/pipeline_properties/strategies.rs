//! Channels, levels and candles for the properties, and what becomes of them.

use assay_math::pipeline::{
    Candle, CandleField, Cast, Change, Channel, Norm, Out, PipelineFailure, Quant, Sampling,
    Statistic, MAX_F32_MAGNITUDE, MAX_SHIFT,
};
use proptest::{collection::vec, prelude::*, sample::select};

pub const NORMS: [Norm; 5] =
    [Norm::Raw, Norm::Standardise, Norm::MinMax, Norm::OverMean, Norm::OverLast];
pub const STATISTICS: [Statistic; 8] = [
    Statistic::Min,
    Statistic::Max,
    Statistic::Mean,
    Statistic::Median,
    Statistic::Variance,
    Statistic::Std,
    Statistic::First,
    Statistic::Last,
];
pub const CHANGES: [Change; 3] = [Change::Level, Change::Difference, Change::Return];
pub const FIELDS: [CandleField; 4] =
    [CandleField::Open, CandleField::High, CandleField::Low, CandleField::Close];
/// The largest magnitude of an element.
pub const TOP: i64 = (1 << 54) - 1;
pub const SCALE: u32 = 1 << 20;

/// Integers as they are, of all 32 bits.
pub const fn whole(num: u32, den: u32) -> Quant {
    Quant { num, den, lo: i32::MIN, hi: i32::MAX, to: Cast::I32 }
}

pub fn rounds(count: usize) -> Sampling {
    Sampling::Rounds { feed: 0, count: count.try_into().unwrap() }
}

/// A channel over levels as they are.
pub fn channel(count: usize, out: Out) -> Channel {
    Channel { tensor: 0, of: rounds(count), change: Change::Level, abs: false, out }
}

pub fn normalised(levels: &[i64], norm: Norm, quant: Quant) -> Result<Vec<i32>, PipelineFailure> {
    let channel = channel(levels.len(), Out::Series { norm, quant });
    channel.run(levels, &[]).map(|data| integers(&quant, &data))
}

pub fn statistic(levels: &[i64], what: Statistic) -> i64 {
    let quant = whole(1, 1);
    let data = channel(levels.len(), Out::Stat { what, quant }).run(levels, &[]).unwrap();
    integers(&quant, &data)[0].into()
}

pub fn correlation(x: &[i64], y: &[i64], quant: Quant) -> i32 {
    let channel = channel(x.len(), Out::Correlation { with: rounds(y.len()), quant });
    integers(&quant, &channel.run(x, y).unwrap())[0]
}

/// The integers of which the elements were cast.
pub fn integers(quant: &Quant, data: &[u8]) -> Vec<i32> {
    let integer = |bytes: &[u8]| match quant.to {
        Cast::I8 => i8::from_le_bytes(bytes.try_into().unwrap()).into(),
        Cast::I16 => i16::from_le_bytes(bytes.try_into().unwrap()).into(),
        Cast::I32 => i32::from_le_bytes(bytes.try_into().unwrap()),
        Cast::F32 { shift } => {
            let number = f64::from(f32::from_le_bytes(bytes.try_into().unwrap()));
            let integer = number * 2f64.powi(shift.into());
            assert_eq!(integer.fract(), 0.0);
            integer as i32
        },
    };
    let size = quant.to.number_type().size();
    assert!(data.len().is_multiple_of(size));
    data.chunks(size).map(integer).collect()
}

/// Levels of every magnitude, the ends of all types among them.
pub fn levels() -> impl Strategy<Value = i64> {
    let ends = [0, 1, -1, TOP, -TOP, TOP + 1, -TOP - 1, TOP >> 1, i64::MAX, i64::MIN];
    prop_oneof![
        any::<i64>(),
        select(ends.to_vec()),
        -TOP..=TOP,
        1..=TOP >> 1,
        -100i64..100,
        1i64..100
    ]
}

/// Of one kind each, so that many can be computed.
pub fn histories(count: impl Into<prop::collection::SizeRange>) -> impl Strategy<Value = Vec<i64>> {
    let count = count.into();
    prop_oneof![
        vec(levels(), count.clone()),
        vec(-TOP..=TOP, count.clone()),
        vec(1..=TOP >> 1, count.clone()),
        vec(9_000i64..10_000, count.clone()),
        vec(-2i64..3, count),
    ]
}

pub fn quants() -> impl Strategy<Value = Quant> {
    let shifts = prop_oneof![4 => 0..=MAX_SHIFT, 1 => any::<u8>()];
    let casts = prop_oneof![
        Just((Cast::I8, 1 << 7)),
        Just((Cast::I16, 1 << 15)),
        Just((Cast::I32, 1 << 31)),
        shifts.prop_map(|shift| (Cast::F32 { shift }, i64::from(MAX_F32_MAGNITUDE))),
    ];
    let bounds = (-(1i64 << 31)..1 << 31, -(1i64 << 31)..1 << 31, 0..20u8);
    let scale = || prop_oneof![any::<u32>(), 0..3u32, Just(u32::MAX), 1..1_000u32];
    (casts, bounds, scale(), scale()).prop_map(|((to, limit), (a, b, kind), num, den)| {
        let inside = |bound: i64| bound % limit;
        let (lo, hi) = match kind {
            0 => (a, b),
            1..10 => (-limit, limit - 1),
            _ => (inside(a).min(inside(b)), inside(a).max(inside(b))),
        };
        Quant { num, den, lo: lo.try_into().unwrap(), hi: hi.try_into().unwrap(), to }
    })
}

pub fn samplings(count: u16) -> impl Strategy<Value = Sampling> {
    let candles = (any::<u8>(), any::<u8>(), select(FIELDS.to_vec()), 0..4u8);
    prop_oneof![
        any::<u8>().prop_map(move |feed| Sampling::Rounds { feed, count }),
        candles.prop_map(move |(feed, resolution, field, fill)| Sampling::Candles {
            feed,
            resolution,
            count,
            field,
            fill
        }),
    ]
}

/// Channels of which most are valid, and levels of the stated number.
pub fn cases() -> impl Strategy<Value = (Channel, Vec<i64>, Vec<i64>)> {
    let counts = prop_oneof![4 => 1..20u16, 2 => 0..3u16, 1 => 250..260u16];
    counts.prop_flat_map(|count| {
        let last = prop_oneof![4 => 1..=count.max(1), 1 => any::<u16>()];
        let outs = (quants(), last, samplings(count)).prop_flat_map(|(quant, last, with)| {
            prop_oneof![
                select(NORMS.to_vec()).prop_map(move |norm| Out::Series { norm, quant }),
                select(STATISTICS.to_vec()).prop_map(move |what| Out::Stat { what, quant }),
                Just(Out::LogRatio { last, quant }),
                Just(Out::Correlation { with, quant }),
            ]
        });
        let parts = (samplings(count), select(CHANGES.to_vec()), any::<bool>(), outs);
        let channel =
            parts.prop_map(|(of, change, abs, out)| Channel { tensor: 0, of, change, abs, out });
        let count = usize::from(count);
        (channel, histories(count), histories(count)).prop_map(|(channel, of, with)| {
            let is_pair = matches!(channel.out, Out::Correlation { .. });
            (channel, of, if is_pair { with } else { Vec::new() })
        })
    })
}

/// Intervals with gaps, in order.
pub fn candles() -> impl Strategy<Value = Vec<Candle>> {
    vec((1..4u64, -9i64..9, 0..9i64), 1..20).prop_map(|steps| {
        let mut interval = 50;
        let candle = |(step, low, height): (u64, i64, i64)| {
            interval += step;
            Candle { interval, open: low, high: low + height, low, close: low + height / 2 }
        };
        steps.into_iter().map(candle).collect()
    })
}

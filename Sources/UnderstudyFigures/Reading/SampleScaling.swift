import Foundation
import UnderstudySchema

/// How many samples bring the wanted share of teacher nodes to alignment.
enum NeededSamples: Hashable {
  case number(Double)
  /// The smallest number that was tried suffices already.
  case atMost(Double)
  /// The largest number that was tried does not suffice.
  case moreThan(Double)

  /// From mean shares by number of samples, ascending: between the last one that is below the wanted share and the next,
  /// the logarithm of the number is linear in the share.
  ///
  /// Not linear in the share's logarithm, since shares of 0 occur. "The last one below": shares of few seeds need not rise
  /// evenly, and a number suffices only if all larger ones do.
  init?(_ means: [(sampleCount: Double, share: Double)]) {
    guard let smallest = means.first, let largest = means.last else { return nil }
    guard let below = means.lastIndex(where: { $0.share < wantedShare }) else {
      self = .atMost(smallest.sampleCount)
      return
    }
    guard below + 1 < means.count else {
      self = .moreThan(largest.sampleCount)
      return
    }
    let (low, high) = (means[below], means[below + 1])
    let fraction = (wantedShare - low.share) / (high.share - low.share)
    self = .number(exp(log(low.sampleCount) + fraction * (log(high.sampleCount) - log(low.sampleCount))))
  }

  var value: Double? { if case .number(let value) = self { value } else { nil } }
}

/// The power law of one series: samples needed = constant x place^exponent, the place an input dimension or what else they are
/// held against.
struct SampleScaling {
  var series: String
  var needed: [(place: Double, samples: NeededSamples)]
  /// nil unless the number is known at three places or more: a line goes through any two points.
  var law: Regression?
  /// 95 % of the exponents of resampled seeds; nil if most of them leave fewer than three places.
  var interval: ClosedRange<Double>?

  static let leastPlaces = 3

  var exponent: Double? { law?.slope }

  /// Why there is no exponent.
  var refusal: String {
    let count = needed.count { $0.samples.value != nil }
    return
      "the samples for \(Int(wantedShare * 100)) % lie within those tried at \(counted(count, "place")) of the "
      + "axis, and a fit needs \(Self.leastPlaces): try more of them, or other numbers of samples"
  }
}

/// Fits each series on logarithmic axes; places whose number is not known are left out of the fit.
///
/// The interval is a percentile bootstrap over seeds, the unit that is independent: 1000 times, the seeds are drawn anew with
/// replacement, the same for all settings of a series. The draws are fixed, so that equal results give equal intervals.
func sampleScalings(_ shares: [SampleShare]) -> [SampleScaling] {
  shares.map(\.series).distinct.map { series in
    let points = shares.filter { $0.series == series }
    let needed = neededSamples(points, weights: nil)
    let seeds = Set(points.flatMap { $0.shares.map(\.seed) }).sorted()
    var state: UInt64 = 1
    var exponents: [Double] = []
    if seeds.count > 1 {
      for _ in 0..<1000 {
        var weights: [Int: Double] = [:]
        for _ in seeds { weights[seeds[splitMix(&state) % seeds.count], default: 0] += 1 }
        if let law = powerLaw(neededSamples(points, weights: weights)) { exponents.append(law.slope) }
      }
    }
    var interval: ClosedRange<Double>?
    if exponents.count >= 500, let low = quantile(0.025, of: exponents), let high = quantile(0.975, of: exponents) {
      interval = low...high
    }
    return SampleScaling(series: series, needed: needed, law: powerLaw(needed), interval: interval)
  }
}

private func powerLaw(_ needed: [(place: Double, samples: NeededSamples)]) -> Regression? {
  let known = needed.compactMap { point in point.samples.value.map { (log(point.place), log($0)) } }
  guard known.count >= SampleScaling.leastPlaces else { return nil }
  return Regression(known.map(\.0), known.map(\.1))
}

/// - Parameter weights: how often each seed counts; nil: once.
private func neededSamples(
  _ points: [SampleShare], weights: [Int: Double]?
) -> [(place: Double, samples: NeededSamples)] {
  var result: [(place: Double, samples: NeededSamples)] = []
  for place in Set(points.map(\.place)).sorted() {
    var means: [(sampleCount: Double, share: Double)] = []
    for point in points where point.place == place {
      var (sum, total) = (0.0, 0.0)
      for (seed, share) in point.shares {
        let weight = weights.map { $0[seed] ?? 0 } ?? 1
        sum += weight * share
        total += weight
      }
      if total > 0 { means.append((point.sampleCount, sum / total)) }
    }
    if let samples = NeededSamples(means) { result.append((place, samples)) }
  }
  return result
}

/// A pseudorandom non-negative integer.
/// Source: G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
private func splitMix(_ state: inout UInt64) -> Int {
  state &+= 0x9E37_79B9_7F4A_7C15
  var z = state
  z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
  z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
  return Int((z ^ (z >> 31)) >> 2)
}

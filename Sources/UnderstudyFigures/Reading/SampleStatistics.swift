import Foundation

/// Mean of `values`; nil if there are none.
func mean(_ values: [Double]) -> Double? {
  values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
}

/// Standard deviation with n - 1 in the denominator; 0 for a single value.
func standardDeviation(_ values: [Double]) -> Double {
  guard let center = mean(values), values.count > 1 else { return 0 }
  let squares = values.reduce(0) { $0 + ($1 - center) * ($1 - center) }
  return (squares / Double(values.count - 1)).squareRoot()
}

/// The middle value, or the mean of the two middle ones; nil if there are none.
func median(_ values: [Double]) -> Double? {
  guard !values.isEmpty else { return nil }
  let sorted = values.sorted()
  let middle = sorted.count / 2
  return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/// The value below which a share `p` of `values` lies, linear between neighbours; nil if there are none. Infinite values, such
/// as the time of what never happened, are fine: between a finite and an infinite one the answer is infinite.
func quantile(_ p: Double, of values: [Double]) -> Double? {
  guard !values.isEmpty else { return nil }
  let sorted = values.sorted()
  let position = p * Double(sorted.count - 1)
  let lower = sorted[Int(position.rounded(.down))]
  let upper = sorted[min(sorted.count - 1, Int(position.rounded(.down)) + 1)]
  let fraction = position - position.rounded(.down)
  if fraction == 0 || lower == upper { return lower }
  return upper.isInfinite ? upper : lower + fraction * (upper - lower)
}

/// The quartiles of a sample.
struct Quartiles: Hashable {
  var low: Double
  var middle: Double
  var high: Double

  /// nil if there are no values.
  init?(_ values: [Double]) {
    guard let low = quantile(0.25, of: values), let middle = median(values), let high = quantile(0.75, of: values)
    else { return nil }
    (self.low, self.middle, self.high) = (low, middle, high)
  }
}

/// The mean of a sample and Student's 95 % interval for the mean of what it was drawn from.
struct MeanInterval: Hashable {
  var mean: Double
  var low: Double
  var high: Double
  var count: Int

  /// nil if there are no values; a single value has an interval of width 0, which callers must not show as certainty.
  init?(_ values: [Double]) {
    guard let center = UnderstudyFigures.mean(values) else { return nil }
    let half =
      values.count < 2
      ? 0 : studentQuantile(degrees: values.count - 1) * standardDeviation(values) / Double(values.count).squareRoot()
    (mean, low, high, count) = (center, center - half, center + half, values.count)
  }
}

/// The mean of a sample with what is drawn around it: Student's 95 % interval, or, of so few values that it would say nothing, the
/// lowest and the highest of them.
struct MeanRange: Hashable {
  /// Fewer values have no interval.
  static let least = 4

  var mean: Double
  var low: Double
  var high: Double
  var count: Int

  /// nil if there are no values.
  init?(_ values: [Double]) {
    guard let interval = MeanInterval(values), let lowest = values.min(), let highest = values.max() else { return nil }
    (mean, count) = (interval.mean, interval.count)
    (low, high) = count < Self.least ? (lowest, highest) : (interval.low, interval.high)
  }
}

/// The 97.5 % quantile of Student's distribution. Tabled to 30 degrees of freedom; beyond, the first terms of its expansion
/// around the normal quantile, whose error there is below 0.0005.
func studentQuantile(degrees: Int) -> Double {
  let table = [
    12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281, 2.2010, 2.1788, 2.1604, 2.1448,
    2.1314, 2.1199, 2.1098, 2.1009, 2.0930, 2.0860, 2.0796, 2.0739, 2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484,
    2.0452, 2.0423,
  ]
  guard degrees > table.count else { return table[max(degrees, 1) - 1] }
  let n = Double(degrees)
  return 1.959964 + 2.37227 / n + 2.82250 / (n * n)
}

/// The straight line of least squares.
struct Regression: Hashable {
  var slope: Double
  var intercept: Double

  /// nil for fewer than two points, or points with one and the same x.
  init?(_ x: [Double], _ y: [Double]) {
    guard x.count == y.count, x.count > 1, let centerX = mean(x), let centerY = mean(y) else { return nil }
    let squares = x.reduce(0) { $0 + ($1 - centerX) * ($1 - centerX) }
    guard squares > 0 else { return nil }
    slope = zip(x, y).reduce(0) { $0 + ($1.0 - centerX) * ($1.1 - centerY) } / squares
    intercept = centerY - slope * centerX
  }
}

/// Wilson's 95 % score interval of a share: `count` of `total`. It stays within 0...1 and has width at 0 and 1.
///
/// - Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
func wilsonInterval(_ count: Int, of total: Int) -> ClosedRange<Double> {
  guard total > 0 else { return 0...1 }
  let z = 1.959963984540054
  let n = Double(total)
  let share = Double(count) / n
  let center = (share + z * z / (2 * n)) / (1 + z * z / n)
  let half = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)).squareRoot()
  return max(0, center - half)...min(1, center + half)
}

/// Ranks from 1; equal values share the mean of their ranks.
func ranks(_ values: [Double]) -> [Double] {
  let order = values.indices.sorted { values[$0] < values[$1] }
  var ranks = [Double](repeating: 0, count: values.count)
  var start = 0
  while start < order.count {
    var end = start
    while end + 1 < order.count, values[order[end + 1]] == values[order[start]] { end += 1 }
    for position in start...end { ranks[order[position]] = Double(start + end) / 2 + 1 }
    start = end + 1
  }
  return ranks
}

/// Spearman's rank correlation, with mean ranks for ties; nil if either side does not vary.
func spearmanCorrelation(_ left: [Double], _ right: [Double]) -> Double? {
  let a = ranks(left)
  let b = ranks(right)
  guard let meanA = mean(a), let meanB = mean(b), a.count == b.count else { return nil }
  var products = 0.0
  var squaresA = 0.0
  var squaresB = 0.0
  for (x, y) in zip(a, b) {
    products += (x - meanA) * (y - meanB)
    squaresA += (x - meanA) * (x - meanA)
    squaresB += (y - meanB) * (y - meanB)
  }
  guard squaresA > 0, squaresB > 0 else { return nil }
  return products / (squaresA * squaresB).squareRoot()
}

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

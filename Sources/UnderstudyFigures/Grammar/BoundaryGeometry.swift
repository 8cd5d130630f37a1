/// A straight piece of a boundary inside a window.
struct Segment: Hashable {
  var x: Double
  var y: Double
  var x2: Double
  var y2: Double
}

/// The part of the line `w[0] x + w[1] y + b = 0` inside the square `|x|, |y| <= radius`; nil if it passes outside, touches
/// only a corner, or `w` is 0 (a node without a boundary).
///
/// Exact: the ends are the line's crossings with the square's sides, by the Liang-Barsky rule. The line is walked along
/// `(-w[1], w[0])` from its point closest to the origin.
func clippedLine(_ w: (Double, Double), bias b: Double, radius: Double) -> Segment? {
  let squaredNorm = w.0 * w.0 + w.1 * w.1
  guard squaredNorm > 0, squaredNorm.isFinite, b.isFinite else { return nil }
  let foot = (x: -b * w.0 / squaredNorm, y: -b * w.1 / squaredNorm)
  let direction = (x: -w.1 / squaredNorm.squareRoot(), y: w.0 / squaredNorm.squareRoot())
  var from = -Double.infinity
  var to = Double.infinity
  for (start, slope) in [(foot.x, direction.x), (foot.y, direction.y)] {
    if slope == 0 {
      if abs(start) > radius { return nil }
    } else {
      let ends = ((-radius - start) / slope, (radius - start) / slope)
      from = max(from, min(ends.0, ends.1))
      to = min(to, max(ends.0, ends.1))
    }
  }
  guard from < to else { return nil }
  return Segment(
    x: foot.x + from * direction.x, y: foot.y + from * direction.y, x2: foot.x + to * direction.x,
    y2: foot.y + to * direction.y)
}

/// The next of 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8 times a power of ten that is at least `value`: a round edge for a window.
func roundedUp(_ value: Double) -> Double {
  guard value > 0, value.isFinite else { return 1 }
  var power = 1.0
  while power * 10 <= value { power *= 10 }
  while power > value { power /= 10 }
  return ([1, 1.5, 2, 2.5, 3, 4, 5, 6, 8].first { $0 * power >= value } ?? 10) * power
}

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

/// The part of the half plane `w[0] x + w[1] y + b > 0` inside the square `|x|, |y| <= radius`: the corners of a convex polygon in
/// their order; none where it has no area.
func clippedHalfPlane(_ w: (Double, Double), bias b: Double, radius: Double) -> [(x: Double, y: Double)] {
  let square = [(x: -radius, y: -radius), (x: radius, y: -radius), (x: radius, y: radius), (x: -radius, y: radius)]
  func height(_ point: (x: Double, y: Double)) -> Double { w.0 * point.x + w.1 * point.y + b }
  var corners: [(x: Double, y: Double)] = []
  // The square's sides in turn (Sutherland and Hodgman): a corner inside stays, a side that crosses the boundary adds where it does.
  for (start, end) in zip(square, square.dropFirst() + square.prefix(1)) {
    let (first, last) = (height(start), height(end))
    if first > 0 { corners.append(start) }
    if (first > 0) != (last > 0), first - last != 0 {
      let share = first / (first - last)
      corners.append((start.x + share * (end.x - start.x), start.y + share * (end.y - start.y)))
    }
  }
  return corners.count < 3 ? [] : corners
}

/// The next of 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8 times a power of ten that is at least `value`: a round edge for a window.
func roundedUp(_ value: Double) -> Double {
  guard value > 0, value.isFinite else { return 1 }
  var power = 1.0
  while power * 10 <= value { power *= 10 }
  while power > value { power /= 10 }
  return ([1, 1.5, 2, 2.5, 3, 4, 5, 6, 8].first { $0 * power >= value } ?? 10) * power
}

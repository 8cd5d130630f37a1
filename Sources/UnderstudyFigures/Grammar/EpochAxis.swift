import Foundation

extension FigureStyle {
  /// A linear axis of the epochs in field `t`, all of which are whole numbers.
  func epochs(_ shown: some Collection<Int>) -> JSONValue {
    var axis: [String: JSONValue] = ["tickCount": 5, "grid": false, "format": "d"]
    // Between few of them, ticks would be at halves, and their labels twice the same.
    if let first = shown.min(), let last = shown.max(), last - first < 4 {
      axis["values"] = .array((first...last).map(JSONValue.integer))
    }
    return Self.quantity("t", .text(timeUnit), scale: ["nice": false], axis: .object(axis))
  }
}

/// An axis of epochs that shows the first few as well as the last, up to a place for what never happens.
struct EpochAxis {
  enum Scale {
    case squareRoot
    /// From 1 on: what happens at once is drawn there.
    case logarithm
    /// The logarithm of 1 + epoch.
    case logarithmOfOnePlus
  }
  var scale: Scale
  /// The last epoch.
  var top: Double

  init(_ scale: Scale, top: Double) { (self.scale, self.top) = (scale, top) }

  /// To the last epoch of `runs`.
  init(_ scale: Scale, of runs: [RunReader]) { self.init(scale, top: Double(runs.map(\.lastEpoch).max() ?? 1)) }

  /// Series whose marks of what never happened lie one above another.
  var laneCount = 1

  /// An epoch as far from the beginning of the axis as heights are.
  private func height(of epoch: Double) -> Double {
    switch scale {
    case .squareRoot: epoch.squareRoot()
    case .logarithm: log(max(epoch, 1))
    case .logarithmOfOnePlus: log1p(epoch)
    }
  }

  /// The epoch at a height beyond the last one, as a share of the height of the axis up to that.
  private func beyond(_ share: Double) -> Double {
    let height = height(of: max(top, 2)) * (1 + share)
    return switch scale {
    case .squareRoot: height * height
    case .logarithm: exp(height)
    case .logarithmOfOnePlus: expm1(height)
    }
  }

  /// Where the marks of what never happened are, of a series: above the last epoch.
  func ceiling(lane: Int = 0) -> Double { beyond(0.13 + 0.07 * Double(lane)) }

  /// Above all of them.
  private var end: Double { beyond(0.2 + 0.07 * Double(laneCount - 1)) }

  private var ticks: [Double] {
    switch scale {
    case .squareRoot:
      let unit = [1.0, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000].first { top / $0 <= 10 } ?? top / 10
      return [0.0, 0.5, 1, 2, 4, 7, 10].map { $0 * unit }.filter { $0 <= top && $0 == $0.rounded() }
    case .logarithm:
      let ticks = [1.0, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000].filter { $0 <= top }
      return ticks.count > 7 ? ticks.filter { $0.short.hasPrefix("1") } : ticks
    case .logarithmOfOnePlus:
      var ticks = [0.0, 1, 2, 5, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000].filter { $0 <= top }
      if let last = ticks.last, top >= 1.4 * last, top > 1 { ticks.append(top) }
      return ticks
    }
  }

  /// An epoch as it is drawn.
  func drawn(_ epoch: Double, lane: Int = 0) -> JSONValue {
    .display(max(scale == .logarithm ? 1 : 0, epoch.isFinite ? epoch : ceiling(lane: lane)))
  }

  /// A title in lines that fit the height of a panel in a row of panels.
  private static func lines(of title: String) -> JSONValue {
    let lines = FigureStyle.lines(of: title, letters: 19)
    return lines.count == 1 ? .text(title) : .texts(lines)
  }

  /// - Parameter hasRoom: whether marks of what never happened must find room.
  func encoding(_ field: String, title: String, hasRoom: Bool = true) -> JSONValue {
    let low = scale == .logarithm ? 0.9 : 0
    var shape: [String: JSONValue] = [
      "nice": false, "domain": [.number(low), .display(hasRoom ? end : max(top, 1))],
    ]
    var axis: [String: JSONValue] = ["values": .numbers(ticks), "format": "d"]
    if hasRoom {
      // The marks above the last epoch say what they are.
      let never = beyond(0.13 + 0.035 * Double(laneCount - 1))
      // The first of labels that overlap is kept.
      axis["values"] = .numbers([never.rounded(toDigits: 5)] + ticks.reversed())
      axis["labelOverlap"] = "greedy"
      axis["labelExpr"] = .text("datum.value > \(top) ? 'never' : datum.label")
    }
    switch scale {
    case .squareRoot: shape["type"] = "sqrt"
    case .logarithm: shape["type"] = "log"
    case .logarithmOfOnePlus:
      shape["type"] = "symlog"
      shape["constant"] = 1
      if !hasRoom { axis["labelOverlap"] = "greedy" }
      axis["grid"] = .boolean(hasRoom)
    }
    return FigureStyle.quantity(field, Self.lines(of: title), scale: .object(shape), axis: .object(axis))
  }
}

/// Charts of when something first happens: medians and quartiles over runs, and hollow marks where the median run never sees
/// it.
enum FirstEpochs {
  /// Of a row: `y` median epoch, `a`...`b` quartiles, `n` runs, `f` runs in which it never happens, `h` 1 if the median run is
  /// among them, else 0. nil without runs.
  ///
  /// - Parameter lane: the series, where marks of what never happens would hide each other.
  static func members(_ epochs: [Double], on axis: EpochAxis, lane: Int = 0) -> [String: JSONValue]? {
    guard let times = Quartiles(epochs) else { return nil }
    return [
      "y": axis.drawn(times.middle, lane: lane), "a": axis.drawn(times.low), "b": axis.drawn(times.high),
      "n": .integer(epochs.count), "f": .integer(epochs.count { $0.isInfinite }), "h": times.middle.isInfinite ? 1 : 0,
    ]
  }

  static func hollowCount(_ rows: [JSONValue]) -> Int { rows.count { $0["h"]?.number == 1 } }

  /// A line that breaks at a place without an epoch; a filter would make it jump over.
  static func line(_ y: Layers.Height, _ more: [String: JSONValue] = [:]) -> JSONValue {
    Layers.line(y("v"), width: 1.5, more)
      .with(["transform": [["calculate": "datum.h == 0 ? datum.y : null", "as": "v"]]])
  }

  /// Dots, and the hollow marks if there are any.
  ///
  /// - Parameters:
  ///   - hovers: what a mark is of.
  ///   - never: what hover labels call the number of runs in which it never happens.
  static func marks(
    _ y: Layers.Height, size: Double, hovers: [JSONValue], never: String, _ more: [String: JSONValue] = [:],
    hasHollow: Bool
  ) -> [JSONValue] {
    let times = [FigureStyle.hover("y", "median epoch", format: ".4~g")] + Hovers.quartiles(".4~g")
    let tooltip = hovers + times + [Hovers.runs, FigureStyle.hover("f", never, "ordinal")]
    let encoding = more.with(["y": y("y"), "tooltip": .array(tooltip)])
    let dots = Layers.of(Layers.dot(size), encoding).filtered("datum.h == 0")
    // Without data, a layer would still be in the legend.
    guard hasHollow else { return [dots] }
    let mark = Layers.hollow(30, strokeWidth: 1.3, ["shape": "triangle-up"])
    return [dots, Layers.of(mark, encoding).filtered("datum.h == 1")]
  }
}

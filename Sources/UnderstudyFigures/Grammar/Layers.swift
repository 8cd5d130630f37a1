/// The layers that charts are made of. `y` gives the encoding of a field of the rows as height.
enum Layers {
  typealias Height = (String) -> JSONValue

  /// A filled dot.
  ///
  /// - Parameter fillOpacity: instead of `opacity`, which makes a group of each dot and a PDF six times as large.
  static func dot(_ size: Double, fillOpacity: Double? = nil) -> JSONValue {
    var mark: [String: JSONValue] = [
      "type": "point", "filled": true, "size": .number(size), "opacity": 1, "strokeOpacity": 0,
    ]
    if let fillOpacity { mark["fillOpacity"] = .number(fillOpacity) }
    return .object(mark)
  }

  /// A hollow mark, for what lies beyond the axis or is uncertain.
  static func hollow(_ size: Double, strokeWidth: Double, _ more: [String: JSONValue] = [:]) -> JSONValue {
    let mark: JSONValue = [
      "type": "point", "filled": false, "size": .number(size), "strokeWidth": .number(strokeWidth), "opacity": 1,
    ]
    return mark.with(more)
  }

  /// Bars from `a` to `b`.
  static func bars(_ y: Height, width: Double) -> JSONValue {
    ["mark": ["type": "rule", "strokeWidth": .number(width)], "encoding": ["y": y("a"), "y2": ["field": "b"]]]
  }

  /// A band from `a` to `b`.
  static func band(_ y: Height, opacity: Double, _ more: [String: JSONValue] = [:]) -> JSONValue {
    [
      "mark": ["type": "area", "fillOpacity": .number(opacity), "opacity": 1],
      "encoding": .object(more.with(["y": y("a"), "y2": ["field": "b"]])),
    ]
  }

  static func line(_ y: JSONValue, width: Double, _ more: [String: JSONValue] = [:]) -> JSONValue {
    ["mark": ["type": "line", "strokeWidth": .number(width)], "encoding": .object(more.with(["y": y]))]
  }

  static func of(_ mark: JSONValue, _ encoding: [String: JSONValue]) -> JSONValue {
    ["mark": mark, "encoding": .object(encoding)]
  }

  /// Invisible: a place to hover at each point of a line.
  static func places(_ y: JSONValue, _ hovers: [JSONValue]) -> JSONValue {
    of(dot(30, fillOpacity: 0), ["y": y, "tooltip": .array(hovers)])
  }

  /// The ends of a rule that goes from one side of its panel to the other, in place of the horizontal channel that its layer has
  /// from the others.
  static let acrossPanel: [String: JSONValue] = ["x": ["value": 0], "x2": ["value": "width"]]

  /// A dashed line across a panel.
  static func level(_ value: Double, scale: JSONValue? = nil) -> JSONValue {
    var y: [String: JSONValue] = ["datum": .number(value), "type": "quantitative"]
    if let scale { y["scale"] = scale }
    return [
      // One line, and not one for each row.
      "data": ["values": [[:]]],
      "mark": ["type": "rule", "strokeDash": [4, 3], "strokeWidth": 0.8, "color": "#555555"],
      "encoding": .object(acrossPanel.with(["y": .object(y), "color": ["value": "#555555"]])),
    ]
  }
}

/// The lines of hover labels that charts share.
enum Hovers {
  static let runs = FigureStyle.hover("n", "runs", "ordinal")

  static func quartiles(_ format: String) -> [JSONValue] {
    [
      FigureStyle.hover("a", "lower quartile", format: format),
      FigureStyle.hover("b", "upper quartile", format: format),
    ]
  }

  /// Of curves that are means over runs.
  static func extremes(_ format: String) -> [JSONValue] {
    [FigureStyle.hover("a", "lowest run", format: format), FigureStyle.hover("b", "highest run", format: format), runs]
  }

  static func interval(_ format: String) -> [JSONValue] {
    [FigureStyle.hover("a", "95 % interval from", format: format), FigureStyle.hover("b", "to", format: format)]
  }
}

extension MeanRange {
  /// Whether all rows with a mean over runs have an interval.
  private static func areIntervals(_ rows: [JSONValue]) -> Bool {
    rows.compactMap { $0["n"]?.number }.allSatisfy { $0 >= Double(least) }
  }

  /// What the bars of rows are, for notes.
  ///
  /// - Parameter rows: with their number of runs in `n`.
  static func words(_ rows: [JSONValue]) -> String {
    areIntervals(rows)
      ? "Mean over seeds with its 95 % interval (Student)"
      : "Mean over seeds, with bars from the lowest to the highest seed where there are fewer than \(least), too few for an "
        + "interval, else its 95 % interval (Student)"
  }

  static func hovers(_ rows: [JSONValue], _ format: String) -> [JSONValue] {
    areIntervals(rows)
      ? Hovers.interval(format)
      : [FigureStyle.hover("a", "bar from", format: format), FigureStyle.hover("b", "to", format: format)]
  }
}

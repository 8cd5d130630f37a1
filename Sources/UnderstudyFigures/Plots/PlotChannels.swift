import Foundation
import UnderstudySchema

/// What a channel of a plot tells apart, with its values in the selected runs.
enum PlotChannel {
  /// With what it counts: epochs, or steps.
  case epoch(String)
  case node, layer
  case key(SeriesKey)

  /// nil for an axis that shows nothing.
  init?(_ axis: PlotDeclaration.Axis, of runs: SelectedRuns) {
    switch axis {
    case .epoch: self = .epoch(runs.study.timeUnit)
    case .node: self = .node
    case .layer: self = .layer
    case .key(let path): self = .key(runs.series(path))
    case .nothing: return nil
    }
  }

  var key: SeriesKey? { if case .key(let key) = self { key } else { nil } }

  var title: String {
    switch self {
    case .epoch(let unit): unit
    case .node: "node"
    case .layer: "layer"
    case .key(let key): key.title
    }
  }

  /// The place of a value among those of the channel: an epoch, a node or layer from 1, the index of a key's value.
  func part(of point: PlotPoint) -> Double {
    switch self {
    case .epoch: Double(point.epoch)
    case .node: Double(point.node ?? 0)
    case .layer: Double(point.layer ?? 0)
    case .key(let key): Double(key.index(of: point.run))
    }
  }

  /// What legends and panels call a place.
  func label(_ part: Double) -> String {
    switch self {
    case .epoch(let unit): "\(unit) \(Int(part))"
    case .node: "node \(Int(part))"
    case .layer: "layer \(layerLabel(Int(part)))"
    case .key(let key): key.labels[Int(part)]
    }
  }

  /// The same on an axis with a title.
  func plainLabel(_ part: Double) -> String {
    key == nil ? "\(Int(part))" : label(part)
  }

  /// The same beside nothing that says what it is.
  func heading(_ part: Double) -> String {
    guard case .key(let key) = self, key.path != "student.overRealization" else { return label(part) }
    return "\(key.title) \(label(part))"
  }

  /// Whether places are numbers with distances.
  var isNumeric: Bool {
    switch self {
    case .epoch, .node, .layer: true
    case .key(let key): key.values.count == key.labels.count && key.values.allSatisfy { $0.number != nil }
    }
  }

  /// A place as a number or a text on an axis.
  func position(_ part: Double) -> JSONValue {
    guard case .key(let key) = self else { return .number(part) }
    guard isNumeric, let number = key.values[Int(part)].number else { return .text(key.labels[Int(part)]) }
    return .number(number)
  }

  /// The horizontal axis.
  ///
  /// - Parameter places: the numbers that values stand at, ascending.
  func encoding(_ field: String, places: [Double]) -> JSONValue {
    guard isNumeric else {
      return [
        "field": .text(field), "type": "ordinal", "title": .text(title),
        "sort": .texts(key?.labels ?? []), "axis": ["labelAngle": 0],
        "scale": ["type": "band", "paddingInner": 0.25],
      ]
    }
    let shown = ticks(places)
    let (low, high) = (places.first ?? 0, places.last ?? 1)
    let isLogarithmic = key != nil && low > 0 && high / low >= 8
    return FigureStyle.quantity(
      field, .text(title),
      scale: isLogarithmic
        ? LogarithmicAxis.scale(around: [low, high]) : ["nice": false, "zero": false, "padding": 8],
      axis: [
        "values": .numbers(shown), "grid": false, "labelOverlap": "greedy", "labelSeparation": 4,
        "labelExpr": .text(Self.labelExpression(shown)),
      ])
  }

  /// The places that have labels.
  private func ticks(_ places: [Double]) -> [Double] {
    guard places.count > 9, key == nil, let low = places.first, let high = places.last else {
      // No rounded ones between them.
      return thinned(places.indices.map { $0 }, to: 9).map { places[$0] }
    }
    // Of many that are counted, round ones, as far apart everywhere.
    let unit = pow(10, log10((high - low) / 8).rounded(.down))
    let step = [1.0, 2, 5, 10].map { $0 * unit }.first { (high - low) / $0 <= 8 } ?? high - low
    let first = (low / step).rounded(.up) * step
    let round = Array(stride(from: first, through: high, by: max(1, step)))
    // Nodes and layers begin at 1.
    return low == 1 && round.first != 1 ? [1] + round : round
  }

  /// Writes each number as the study does.
  private static func labelExpression(_ values: [Double]) -> String {
    values.reversed().reduce("datum.label") { "datum.value == \($1) ? '\($1.short)' : \($0)" }
  }
}

/// Which channel of a figure shows what.
struct PlotChannels {
  var x: PlotChannel
  /// Of heat maps.
  var y: PlotChannel?
  var color: PlotChannel?
  var row: PlotChannel?
  var column: PlotChannel?

  /// The declared ones; the rest is filled with keys that vary and are shown nowhere else, in the order of the grid and
  /// over-realization first.
  ///
  /// - Parameter hasEpochs: whether several epochs of the quantity are there to be shown.
  /// - Throws: `FigureError.notPlottable` if a heat map has one axis only.
  init(_ plot: PlotDeclaration, isMap: Bool, of runs: SelectedRuns, hasEpochs: Bool) throws(FigureError) {
    let taken = Set(plot.axes.map(\.name))
    var free = FreeKeys(of: runs, besides: taken)
    func next() -> PlotDeclaration.Axis? { free.next().map(PlotDeclaration.Axis.key) }
    let epoch: PlotDeclaration.Axis? = hasEpochs && !taken.contains("epoch") ? .epoch : nil
    let x: PlotDeclaration.Axis? = plot.x ?? (isMap ? next() ?? epoch : epoch ?? next())
    guard let first = PlotChannel(x ?? .epoch, of: runs) else {
      throw .notPlottable(figure: runs.subject, reason: "its x shows nothing; give epoch, node, layer or a key")
    }
    self.x = first
    if isMap {
      guard let second = (plot.y ?? next() ?? (x == .epoch ? nil : epoch)).flatMap({ PlotChannel($0, of: runs) })
      else {
        throw .notPlottable(
          figure: runs.subject, reason: "one key varies, and a heat map needs two axes; give y, or make it a plot")
      }
      y = second
    } else {
      color = (plot.color ?? next()).flatMap { PlotChannel($0, of: runs) }
    }
    column = (plot.column ?? next()).flatMap { PlotChannel($0, of: runs) }
    row = (plot.row ?? next()).flatMap { PlotChannel($0, of: runs) }
  }

  var all: [PlotChannel] { [row, column, color, y, x].compactMap { $0 } }

  /// The keys that the figure tells apart.
  var shownKeys: Set<String> { Set(all.compactMap { $0.key?.path }) }
  var showsEpochs: Bool { all.contains { if case .epoch = $0 { true } else { false } } }
  var showsNodes: Bool { all.contains { if case .node = $0 { true } else { false } } }
  var showsLayers: Bool { all.contains { if case .layer = $0 { true } else { false } } }

  /// Row, column, colour, height of a heat map, and x of a value; 0 where a channel is empty.
  func place(of point: PlotPoint) -> [Double] {
    [row, column, color, y, x].map { $0?.part(of: point) ?? 0 }
  }
}

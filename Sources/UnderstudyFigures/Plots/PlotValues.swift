import Foundation
import UnderstudySchema

/// The numbers of a plot, gathered by where they stand, and the panels that they stand in.
struct PlotValues {
  let plot: PlotDeclaration
  let channels: PlotChannels
  private let isOfEachRun: Bool
  private let points: Gathered<PlotPoint>
  /// Values that are not finite, or of 0 or less on a logarithmic scale.
  private let leftOutCount: Int
  /// Of the epochs that are shown, those at which some runs are over.
  private let lateEpochs: [Int]

  init(_ plot: PlotDeclaration, of chart: Chart) throws(FigureError) {
    self.plot = plot
    let runs = chart.runs
    let isMap = chart.declaration.kind == .heatMap
    let hasEpochs = try Self.hasEpochs(plot, chart)
    let channels = try PlotChannels(plot, isMap: isMap, of: runs, hasEpochs: hasEpochs)
    self.channels = channels
    if !channels.showsEpochs, chart.epochs.count > 1 {
      throw .notPlottable(
        figure: chart.name,
        reason: "it names several epochs, and shows them nowhere; give e.g. \(isMap ? "x" : "color"): epoch")
    }
    let ends = try runs.completed().map(\.lastEpoch)
    lateEpochs = chart.epochs.filter { epoch in ends.contains { $0 < epoch } }
    let found: [PlotPoint]
    switch plot.quantity {
    case .measure(let measure):
      isOfEachRun = true
      let reader = PlottedMeasure(
        measure: measure, plot: plot, showsEpochs: channels.showsEpochs, showsNodes: channels.showsNodes,
        showsLayers: channels.showsLayers, epochs: chart.epochs)
      var all: [PlotPoint] = []
      for run in try runs.completed() { all += try reader.points(of: run) }
      found = all
    case .statistic(let statistic):
      (found, isOfEachRun) = try PlottedStatistic(
        statistic: statistic, plot: plot, channels: channels, runs: runs, epochs: chart.epochs
      ).points()
    }
    var points = Gathered<PlotPoint>()
    let drawable = found.filter { $0.value.isFinite && (plot.scale == .linear || $0.value > 0) }
    leftOutCount = found.count - drawable.count
    for point in drawable { points.add(point, channels.place(of: point)) }
    guard !points.sorted.isEmpty else {
      throw .notPlottable(
        figure: chart.name,
        reason: "no selected run has a value that can be drawn\(plot.scale == .linear ? "" : " on a logarithmic scale")"
      )
    }
    self.points = points
  }

  /// Whether there are several epochs to be shown.
  private static func hasEpochs(_ plot: PlotDeclaration, _ chart: Chart) throws(FigureError) -> Bool {
    if !chart.epochs.isEmpty { return chart.epochs.count > 1 }
    let measure: Measure
    switch plot.quantity {
    case .measure(let own): measure = own
    case .statistic(let statistic):
      guard statistic.row.epochs != .own, let needed = statistic.row.needs.last else { return false }
      measure = needed
    }
    return try chart.runs.completed().contains { $0.epochs(of: measure).count > 1 }
  }

  /// Row, column, colour, height of a heat map, and x of what is drawn, in order.
  var places: [[Double]] { points.sorted.map(\.key) }

  private func points(at place: [Double]) -> [PlotPoint] { points[place] }
  func numbers(at place: [Double]) -> [Double] { points(at: place).map(\.value) }
  func runCount(at place: [Double]) -> Int {
    Set(points(at: place).map { $0.run.record.run.hash }).count
  }

  /// The numbers on the horizontal axis, ascending.
  var xNumbers: [Double] { Set(places.compactMap { channels.x.position($0[4]).number }).sorted() }

  /// The labels of a position of the places, in order.
  func labels(
    _ position: Int, _ label: ((Double) -> String)? = nil
  ) -> [String] {
    let channel = [channels.row, channels.column, channels.color, channels.y, channels.x][position]
    return points.numbers(position).map { label?($0) ?? channel?.label($0) ?? "" }
  }

  // MARK: Middles and bands

  func middle(of values: [Double]) -> Double? {
    switch plot.band {
    case .quartiles: median(values)
    case .deviation where plot.scale == .logarithmic: mean(values.map { log10($0) }).map { pow(10, $0) }
    case .deviation, .seeds, .none: mean(values)
    }
  }

  private func band(of values: [Double]) -> (low: Double, high: Double)? {
    guard values.count > 1 else { return nil }
    switch plot.band {
    case .quartiles: return Quartiles(values).map { ($0.low, $0.high) }
    case .deviation:
      let isLogarithmic = plot.scale == .logarithmic
      let numbers = isLogarithmic ? values.map { log10($0) } : values
      guard let center = mean(numbers) else { return nil }
      let (low, high) = (center - standardDeviation(numbers), center + standardDeviation(numbers))
      return isLogarithmic ? (pow(10, low), pow(10, high)) : (low, high)
    case .seeds, .none: return nil
    }
  }

  var middleWord: String {
    guard isOfEachRun else { return "over all runs together" }
    return switch plot.band {
    case .quartiles: "median over runs"
    case .deviation where plot.scale == .logarithmic: "geometric mean over runs"
    case .deviation, .seeds, .none: "mean over runs"
    }
  }

  /// What notes say of lines and bands, of values that are left out, and of layers that have none.
  var notes: [String] {
    var notes = [sentence]
    let ends = Set(places.flatMap { points(at: $0).map(\.epoch) }).sorted()
    if case .measure = plot.quantity, !channels.showsEpochs, ends.count > 1 {
      notes.append("Of each run its last recorded epoch: \(ends.map(String.init).joined(separator: ", ")).")
    }
    if !lateEpochs.isEmpty {
      notes.append("Runs of fewer epochs are left out at epoch \(lateEpochs.map(String.init).joined(separator: ", ")).")
    }
    if leftOutCount > 0 {
      notes.append(
        "\(counted(leftOutCount, "value")) of single runs that cannot be drawn "
          + (plot.scale == .linear ? "(not finite)" : "(0 or less on a logarithmic scale, or not finite)")
          + " are left out.")
    }
    return notes
  }

  private var sentence: String {
    guard isOfEachRun else { return "Each value is of all its runs together." }
    let band: String =
      switch plot.band {
      case .quartiles: "; bands: from the lower to the upper quartile"
      case .deviation: "; bands: one standard deviation\(plot.scale == .logarithmic ? " of the logarithm" : "")"
      case .seeds: "; thin: each run"
      case .none: ""
      }
    let counts = Set(places.map(runCount)).sorted()
    let runs = counts.first == counts.last ? "\(counts[0])" : "\(counts[0]) to \(counts[counts.count - 1])"
    return "Shown: \(middleWord) (\(runs) at each place)\(channels.y == nil ? band : "")."
  }

  // MARK: Panels

  /// A row of the data with its panel and colour.
  func row(_ place: [Double], _ more: [String: JSONValue]) -> JSONValue {
    var row = more
    if let channel = channels.row { row["q"] = .text(channel.label(place[0])) }
    if let channel = channels.column { row["p"] = .text(channel.heading(place[1])) }
    if let channel = channels.color { row["o"] = .text(channel.label(place[2])) }
    return .object(row)
  }

  /// The rows of a place: its middle, and its runs if they are shown.
  func rows(at place: [Double]) -> [JSONValue] {
    let values = numbers(at: place)
    guard let center = middle(of: values) else { return [] }
    let x = channels.x.position(place[4])
    var members: [String: JSONValue] = [
      "k": "middle", "x": x, "y": .display(center), "n": .integer(runCount(at: place)),
    ]
    if let (low, high) = band(of: values) { (members["a"], members["b"]) = (.display(low), .display(high)) }
    var rows = [row(place, members)]
    if plot.band == .seeds {
      // Against a key a line goes from run to run of one seed, which share teacher and data.
      rows += points(at: place).map {
        let line = channels.x.key == nil ? $0.run.record.run.hash : "seed \($0.run.seed)"
        return row(place, ["k": "run", "x": x, "y": .display($0.value), "s": .text(line)])
      }
    }
    return rows
  }

  /// The members of a document with a panel for each value of columns and rows.
  func members(
    _ style: FigureStyle, rows: [JSONValue], encoding: [String: JSONValue], layers: [JSONValue]
  ) -> [String: JSONValue] {
    // What does not vary makes no panel.
    let column = channels.column.flatMap { labels(1).count > 1 ? $0 : nil }
    let row = channels.row.flatMap { labels(0).count > 1 ? $0 : nil }
    guard column != nil || row != nil else {
      let width = panelWidth(style)
      return [
        "data": ["values": .array(rows)], "width": .number(width), "height": 200,
        "encoding": .object(style.wrapped(encoding, width: width)), "layer": .array(layers),
      ]
    }
    // Beside columns, the title of rows stands once.
    let isGrid = column != nil
    return style.panels(
      columns: column.map { Panels("p", labels: labels(1, $0.heading), title: $0.title, headings: true) },
      rows: row.map { Panels("q", labels: labels(0), title: $0.title, headings: isGrid, isTitled: isGrid) },
      of: rows, encoding: encoding, layers: layers)
  }

  /// The width of each panel.
  func panelWidth(_ style: FigureStyle) -> Double {
    let (rows, columns) = (
      channels.row == nil ? 1 : labels(0).count, channels.column == nil ? 1 : labels(1).count
    )
    if rows > 1, columns > 1 { return style.panelWidthBesideRows(columns: columns) }
    if rows == 1, columns == 1 { return style.width - style.margin - 120 }
    return style.panelWidth(columns: style.columns(max(rows, columns)))
  }

  /// What descriptions say of colours and panels.
  var channelWords: String {
    [("a colour for each", channels.color), ("columns by", channels.column), ("rows by", channels.row)]
      .compactMap { words, channel in channel.map { ", \(words) \($0.title)" } }.joined()
  }
}

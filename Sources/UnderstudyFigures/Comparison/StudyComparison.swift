import UnderstudySchema

/// What is compared: a statistic, of a hidden layer if it looks at one.
public struct ComparedStatistic: Hashable, Sendable {
  public var statistic: FindingDeclaration.Statistic
  public var layer: Int?

  public init(_ statistic: FindingDeclaration.Statistic, layer: Int? = nil) {
    (self.statistic, self.layer) = (statistic, layer)
  }

  /// As headings have it.
  public var title: String {
    layer.map { "\(statistic.rawValue), layer \(layerLabel($0))" } ?? statistic.rawValue
  }
}

/// Settings of one or several studies beside each other, told apart by a key and by the studies.
public struct StudyComparison: Sendable {
  /// Of several studies those of ``StudyResults/init(sideBySide:)``.
  public let results: StudyResults
  public let key: String
  public let statistics: [ComparedStatistic]
  /// Of its figures.
  public var style = StyleDeclaration()

  /// Compares the settings of a study along one of its keys.
  ///
  /// - Parameter statistics: what is compared; empty: what all findings look at that is a mean or median over runs, and what
  ///   nearly every study records.
  /// - Throws: `FigureError.unknownKey` if settings have no such key, `.notPlottable` if no two of them differ in it, or if a statistic
  ///   cannot be compared.
  public init(_ results: StudyResults, by key: String, statistics: [ComparedStatistic] = []) throws(FigureError) {
    (self.results, self.key) = (results, key)
    let study = results.study
    let varied = study.variedKeys.filter { $0 != Study.originKey }
    guard key == Study.originKey || StudyKey.named(key) != nil else {
      throw .unknownKey(figure: "comparison", key: key, varied: varied)
    }
    guard study.variedKeys.contains(key) else {
      throw .notPlottable(
        figure: "comparison",
        reason:
          "no two settings differ in \(key); those that differ are \(varied.isEmpty ? "none" : varied.joined(separator: ", "))"
      )
    }
    if let reason = statistics.lazy.compactMap(\.statistic.incomparability).first {
      throw .notPlottable(figure: "comparison", reason: reason)
    }
    // Of a teacher from a file the recorded widths tell.
    var depth: Int?
    for run in results.runs where run.measurements.contains(where: { $0.measure == .layerWidths }) {
      depth = max(depth ?? 0, try LayerReader(RunReader(record: run, subject: "comparison")).depth)
    }
    if let depth, let layer = statistics.compactMap(\.layer).first(where: { $0 > depth }) {
      throw .notPlottable(
        figure: "comparison",
        reason:
          "there is no layer \(layerLabel(layer)); the deepest networks have \(counted(depth, "hidden layer"))"
      )
    }
    self.statistics = statistics.isEmpty ? Self.usual(of: results) : statistics.distinct
  }

  /// The measures that any comparison of a study may look at.
  public static func measures(of study: Study, _ statistics: [ComparedStatistic]) -> Set<Measure> {
    (statistics.map(\.statistic) + study.findings.map(\.statistic) + alwaysCompared)
      .reduce(into: [.evaluationLoss, .layerWidths]) { $0.formUnion($1.row.needs + $1.row.readsAlso) }
  }

  private static let alwaysCompared: [FindingDeclaration.Statistic] = [
    .recoveredShare, .logEvaluationLoss, .evaluationAccuracy,
  ]

  /// Those of which something is recorded; at most six.
  private static func usual(of results: StudyResults) -> [ComparedStatistic] {
    let recorded = results.runs.reduce(into: Set<Measure>()) { $0.formUnion($1.measurements.map(\.measure)) }
    let declared = results.study.findings.map { ComparedStatistic($0.statistic, layer: $0.layer) }
    let measurable = (declared + alwaysCompared.map { ComparedStatistic($0) }).filter { compared in
      compared.statistic.row.summary != nil && recorded.isSuperset(of: compared.statistic.row.needs)
    }
    return Array(measurable.distinct.prefix(6))
  }

  /// Curves of the evaluation loss, and each statistic against the key; a colour for each study.
  var figures: [FigureDeclaration] {
    let isOfSeveral = !results.study.origins.isEmpty
    let goesWithStudy = key == Study.originKey || results.study.companions(of: Study.originKey).contains(key)
    func figure(_ name: String, _ plot: PlotDeclaration, _ caption: String) -> FigureDeclaration {
      FigureDeclaration(name: name, kind: .plot, caption: caption, plot: plot)
    }
    var figures = statistics.map { compared in
      var plot = PlotDeclaration(.statistic(compared.statistic))
      (plot.x, plot.layer) = (.key(key), compared.layer)
      // As the table has it.
      if compared.statistic.row.summary == .mean { plot.band = .seeds }
      if isOfSeveral, !goesWithStudy { plot.color = .key(Study.originKey) }
      return figure(
        compared.statistic.rawValue + (compared.layer.map { "-\($0)" } ?? ""), plot, "\(compared.title) by \(key).")
    }
    if results.runs.contains(where: { run in run.measurements.count { $0.measure == .evaluationLoss } > 1 }) {
      var plot = PlotDeclaration(.measure(.evaluationLoss))
      (plot.x, plot.scale) = (.epoch, .logarithmic)
      plot.color = .key(isOfSeveral && !goesWithStudy ? Study.originKey : key)
      if isOfSeveral, !goesWithStudy { plot.column = .key(key) }
      figures.append(figure("evaluationLoss", plot, "Evaluation loss by epoch."))
    }
    return figures
  }
}

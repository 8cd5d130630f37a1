import UnderstudySchema

extension Study {
  /// What is wrong with its figures and findings, or may surprise, as far as it is told before anything is trained: names of figures;
  /// keys that they pool; measures that no rule records, and axes of plots that are missing; of findings, measures that are not
  /// recorded when they are looked at, and statistics that cannot be compared.
  ///
  /// - Complexity: O(figures and findings x settings).
  public var reportWarnings: [String] {
    var warnings: [String] = []
    var names: Set<String> = []
    for figure in figures {
      warnings += figure.warnings(in: self).map { "figure \(figure.name): \($0)" }
      if !names.insert(figure.name.lowercased()).inserted {
        warnings.append("figure \(figure.name): another one has this name, and both would be written to one file")
      }
    }
    return warnings + findings.flatMap { finding in finding.warnings(in: self).map { "'\(finding.statement)': \($0)" } }
  }

  /// Those of `measures` that no rule records, of a setting's run or at an epoch of it.
  fileprivate func unrecorded(_ measures: some Sequence<Measure>, at epoch: Int?, of lastEpoch: Int) -> [Measure] {
    let recorded = epoch.map { self.measures(at: $0, of: lastEpoch) } ?? Set(record.flatMap(\.measures))
    return measures.filter { !recorded.contains($0) }
  }
}

extension FigureDeclaration {
  fileprivate func warnings(in study: Study) -> [String] {
    guard Self.isFileName(name) else { return [FigureError.invalidName(figure: name).reason] }
    do throws(FigureError) {
      let runs = try SelectedRuns(selection, of: StudyResults(study: study, runs: []), subject: name)
      let selection = runs.selection
      let missing = missing(in: study).map { "\($0) is recorded by no rule; add it to record" }
      guard let plot else {
        if kind.isScatter { return missing }
        let shown = Chart(declaration: self, runs: runs).keys.paths
        let others = kind.channels.map(\.rawValue)
        let remedy =
          "Select one of them by where" + (others.isEmpty ? "" : ", or show it as \(others.joined(separator: " or "))")
          + "."
        return missing + selection.unshownKeys(beside: shown, study: study).pooled.map { "\($0) \(remedy)" }
      }
      let channels = try PlotChannels(
        plot, isMap: kind == .heatMap, of: runs, hasEpochs: hasEpochs(plot, in: study))
      return missing + (manyNumbers(plot, channels).map { [$0] } ?? [])
        + selection.unshownKeys(beside: channels.shownKeys, study: study).pooled
        .map { "\($0) Select one of them by where, or show it as color, row or column." }
    } catch {
      return [error.reason]
    }
  }

  /// The measures that it needs and no rule records.
  private func missing(in study: Study) -> [String] {
    let needed: [Measure] =
      switch plot?.quantity {
      case .measure(let measure): [measure]
      case .statistic(let statistic): statistic.row.needs
      case nil: kind.row.needs.subtracting(kind.row.optional).sorted { $0.rawValue < $1.rawValue }
      }
    return study.unrecorded(needed, at: nil, of: 0).map(\.rawValue)
  }

  /// What is wrong with a plot of an array that does not say how it becomes one number; nil if nothing is, or the layers that it
  /// shows may make it so.
  private func manyNumbers(_ plot: PlotDeclaration, _ channels: PlotChannels) -> String? {
    guard case .measure(let measure) = plot.quantity, plot.layer == nil, !channels.showsLayers else { return nil }
    let left = measure.words.axisCount - plot.reductions.count - (channels.showsNodes ? 1 : 0)
    guard left > 0 else { return nil }
    let example = measure.words.axisCount > 1 ? "[best, mean]" : "mean"
    return "\(measure.rawValue) is an array \(measure.words.shape), and one number is wanted; give reduce, e.g. "
      + "reduce: \(example)" + (channels.showsNodes ? "" : ", or x: node")
  }

  /// Whether several epochs are there to be shown.
  private func hasEpochs(_ plot: PlotDeclaration, in study: Study) -> Bool {
    guard epochs.isEmpty else { return epochs.count > 1 }
    if case .statistic(let statistic) = plot.quantity, statistic.row.epochs == .own { return false }
    return study.record.contains { rule in
      if case .last = rule.moments { false } else { !plot.measures.isDisjoint(with: rule.measures) }
    }
  }
}

extension FindingDeclaration {
  fileprivate func warnings(in study: Study) -> [String] {
    if comparison != nil, let reason = statistic.incomparability { return [reason] }
    let ends = Set(study.settings.filter { $0.matches(selection) }.map(\.lastEpoch)).sorted()
    if let epoch, let shortest = ends.first, epoch > shortest {
      return ["it looks at epoch \(epoch), and some of its runs have \(shortest)"]
    }
    return ends.flatMap { missing(in: study, endingAt: $0) }.distinct
  }

  private func missing(in study: Study, endingAt last: Int) -> [String] {
    let row = statistic.row
    // What a statistic needs last it needs at the epoch that it looks at; of the rest it may look at others.
    let missing =
      study.unrecorded(row.needs.dropLast(), at: nil, of: last)
      + study.unrecorded(row.needs.suffix(1), at: row.epochs == .last ? epoch ?? last : nil, of: last)
    guard !missing.isEmpty else { return [] }
    let when = epoch.map { "at epoch \($0)" } ?? (row.epochs == .last ? "at the end" : "at any epoch")
    return ["no rule records \(missing.map(\.rawValue).joined(separator: ", ")) \(when); add it to record"]
  }
}

import UnderstudySchema

extension Study {
  /// What is wrong with its figures and findings, or may surprise, as far as it is told before anything is trained: names of figures;
  /// keys that they pool; of plots, measures that no rule records, and axes that are missing; of findings, measures that are not
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
    guard hasFileName else { return [FigureError.invalidName(figure: name).reason] }
    do throws(FigureError) {
      let selection = try SettingSelection(selection, of: StudyResults(study: study, runs: []), subject: name)
      let runs = SelectedRuns(selection: selection, study: study, subject: name)
      guard let plot else {
        if kind.isScatter { return [] }
        let shown = Chart(declaration: self, runs: runs).keys.paths
        let others = kind.channels.map(\.rawValue)
        let remedy =
          "Select one of them by where" + (others.isEmpty ? "" : ", or show it as \(others.joined(separator: " or "))")
          + "."
        return selection.unshownKeys(beside: shown, study: study).pooled.map { "\($0) \(remedy)" }
      }
      let channels = try PlotChannels(
        plot, isMap: kind == .heatMap, of: runs, hasEpochs: hasEpochs(plot, in: study))
      return missing(plot, in: study).map { "\($0) is recorded by no rule; add it to record" }
        + selection.unshownKeys(beside: channels.shownKeys, study: study).pooled
        .map { "\($0) Select one of them by where, or show it as color, row or column." }
    } catch {
      return [error.reason]
    }
  }

  private func missing(_ plot: PlotDeclaration, in study: Study) -> [String] {
    switch plot.quantity {
    case .measure(let measure): study.unrecorded([measure], at: nil, of: 0).map(\.rawValue)
    case .statistic(let statistic): study.unrecorded(statistic.row.needs, at: nil, of: 0).map(\.rawValue)
    }
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
    return ends.flatMap { missing(in: study, endingAt: $0) }.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
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

import UnderstudySchema

/// A study's findings, under the figures that show what they speak of.
struct PlacedFindings {
  /// By the figure's name.
  private(set) var byFigure: [String: [Finding]] = [:]
  /// Those that no figure shows.
  private(set) var others: [Finding] = []

  /// - Parameter figures: those that are drawn.
  init(_ findings: [Finding], figures: [FigureDeclaration]) {
    for finding in findings {
      if let figure = finding.declaration.shown(among: figures) {
        byFigure[figure.name, default: []].append(finding)
      } else {
        others.append(finding)
      }
    }
  }
}

extension FindingDeclaration {
  /// The figure that it names, or else the first of those that look most at the same measures of the same settings.
  fileprivate func shown(among figures: [FigureDeclaration]) -> FigureDeclaration? {
    if let figure { return figures.first { $0.name == figure } }
    let needs = Set(statistic.measures)
    var best: (figure: FigureDeclaration, share: Double)?
    for figure in figures where meets(figure.selection) {
      let measures = figure.measures
      // Of its own statistic, or the share that both look at of all that one of them does.
      let share =
        figure.plot?.quantity == .statistic(statistic)
        ? 1 : Double(needs.intersection(measures).count) / Double(max(1, needs.union(measures).count))
      if share > best?.share ?? 0 { best = (figure, share) }
    }
    return best?.figure
  }

  /// Whether some settings can be in both selections.
  private func meets(_ other: [String: [KeyValue]]) -> Bool {
    selection.allSatisfy { key, values in
      guard let others = other[key] else { return true }
      return values.contains { value in others.contains { $0.isSame(as: value) } }
    }
  }
}

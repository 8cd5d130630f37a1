import Foundation
import UnderstudySchema

/// A figure as data: a Vega-Lite specification with its numbers inside, and the words that go with it.
public struct FigureSpecification: Hashable, Sendable {
  /// File name without ending.
  public var name: String
  /// The study's caption.
  public var caption: String
  /// Sentences on what the numbers are made of: runs left out or missing, keys that are pooled, values that are floored.
  public var notes: [String]
  /// What the picture shows, for readers who cannot see it.
  public var alternativeText: String
  /// The Vega-Lite document.
  public var document: JSONValue

  /// - Parameter members: of the document, beside those that all figures have.
  init(
    name: String, caption: String, notes: [String], text: String, style: FigureStyle = FigureStyle(),
    _ members: [String: JSONValue]
  ) {
    (self.name, self.caption, self.notes, alternativeText) = (name, caption, notes, text)
    document = style.document(description: text, members)
  }
}

/// A declared figure and the runs it is drawn from.
struct Chart {
  let declaration: FigureDeclaration
  let runs: SelectedRuns

  var name: String { declaration.name }
  /// The declared ones; empty: the kind's usual ones.
  var epochs: [Int] { declaration.epochs }
  var style: FigureStyle {
    var style = FigureStyle(declaration.style)
    style.timeUnit = runs.study.timeUnit
    return style
  }

  /// Whether runs that diverged are among what it shows.
  private var showsDiverged: Bool {
    if case .statistic(let statistic) = declaration.plot?.quantity { statistic.row.isOfAllRuns } else { false }
  }

  /// - Throws: `FigureError.notPlottable` of a declaration that was made in code without one.
  func plot() throws(FigureError) -> PlotDeclaration {
    guard let plot = declaration.plot else {
      throw .notPlottable(figure: name, reason: "it does not say what it shows")
    }
    return plot
  }

  /// - Parameters:
  ///   - text: what the picture shows; the caption is added.
  ///   - shownKeys: the keys that the figure tells apart; nil: those of ``keys``.
  ///   - namesSearch: whether a note says which epoch is that of the critical-point search.
  ///   - members: of the document.
  func specification(
    name: String? = nil, _ text: String, notes: [String], shownKeys: Set<String>? = nil,
    namesSearch: Bool = false, _ members: [String: JSONValue]
  ) -> FigureSpecification {
    let selection = runs.selection
    let unshown = selection.unshownKeys(beside: shownKeys ?? keys.paths, study: runs.study).sentences
    var members = members
    if !unshown.isEmpty {
      // Lines that are not longer than most figures are wide.
      let letters = Int(style.width / (8.5 * style.scale))
      let lines = unshown.flatMap { FigureStyle.lines(of: $0, letters: letters) }
      members["title"] = [
        "text": .texts(lines), "fontSize": 10, "fontWeight": "normal", "anchor": "start",
        "color": "#555555",
      ]
    }
    return FigureSpecification(
      name: name ?? declaration.name, caption: declaration.caption,
      notes: notes + (namesSearch ? selection.searchNotes : [])
        + selection.notes(study: runs.study, leavesOutDiverged: !showsDiverged) + unshown,
      text: text + " " + declaration.caption, style: style, members)
  }
}

/// Draws one declared figure from stored results, without side effects: equal results give equal bytes.
///
/// One declaration can make several figures: an `lShape` makes one for each epoch.
///
/// - Throws: ``FigureError`` if the selection is empty, a measure is missing, or the name cannot be a file's.
/// - Complexity: O(size of the selected runs' measurements).
public func figureSpecifications(
  of declaration: FigureDeclaration, from results: StudyResults
) throws(FigureError) -> [FigureSpecification] {
  guard FigureDeclaration.isFileName(declaration.name) else { throw .invalidName(figure: declaration.name) }
  let runs = try SelectedRuns(declaration.selection, of: results, subject: declaration.name)
  return try declaration.kind.row.draw(Chart(declaration: declaration, runs: runs))
}

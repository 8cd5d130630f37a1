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
}

/// Draws one declared figure from stored results, without side effects: equal results give equal bytes.
///
/// One declaration can make several figures: an `lShape` makes one for each epoch, and a second one with `||v_k|| ||w_k||`
/// as its height where `boundaryStrengths` is recorded (its name ends in `-strength`).
///
/// - Throws: ``FigureError`` if the selection is empty, a measure is missing, or the name cannot be a file's.
/// - Complexity: O(size of the selected runs' measurements).
public func figureSpecifications(
  of declaration: FigureDeclaration, from results: StudyResults
) throws(FigureError) -> [FigureSpecification] {
  guard declaration.hasFileName else { throw .invalidName(figure: declaration.name) }
  let selection = try SettingSelection(declaration.selection, of: results, subject: declaration.name)
  guard !selection.runs.isEmpty else { throw .noRuns(figure: declaration.name) }
  return switch declaration.kind {
  case .lShape: try lShapeFigures(declaration, selection: selection, study: results.study)
  case .recoveryRate: [try recoveryRateFigure(declaration, selection: selection, study: results.study)]
  case .evaluationLoss: [try evaluationLossFigure(declaration, selection: selection, study: results.study)]
  case .boundaries: [try boundariesFigure(declaration, selection: selection, study: results.study)]
  case .alignmentBound: [try alignmentBoundFigure(declaration, selection: selection, study: results.study)]
  case .unalignedStudents: [try unalignedStudentsFigure(declaration, selection: selection, study: results.study)]
  case .observers: [try observersFigure(declaration, selection: selection, study: results.study)]
  case .alignmentTime: [try alignmentTimeFigure(declaration, selection: selection, study: results.study)]
  case .alignedShare: [try alignedShareFigure(declaration, selection: selection, study: results.study)]
  case .sampleExponent: [try sampleExponentFigure(declaration, selection: selection, study: results.study)]
  case .verdictShares: [try verdictSharesFigure(declaration, selection: selection, study: results.study)]
  case .connectionLoss: [try connectionLossFigure(declaration, selection: selection, study: results.study)]
  case .coverAndLoss: [try coverAndLossFigure(declaration, selection: selection, study: results.study)]
  case .layerLShape: [try layerLShapeFigure(declaration, selection: selection, study: results.study)]
  case .layerSpecialization: [try layerSpecializationFigure(declaration, selection: selection, study: results.study)]
  case .specializationTime: [try specializationTimeFigure(declaration, selection: selection, study: results.study)]
  }
}

extension FigureDeclaration {
  fileprivate var hasFileName: Bool {
    guard let first = name.unicodeScalars.first, first != "." else { return false }
    let allowed = CharacterSet(charactersIn: "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
    return name.unicodeScalars.allSatisfy(allowed.contains)
  }
}

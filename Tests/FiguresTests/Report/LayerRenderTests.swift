import Foundation
import Testing
import UnderstudyRecords
import UnderstudySchema

@testable import UnderstudyFigures

@Suite struct LayerRenderTests {
  private static let figures = [
    FigureDeclaration.Kind.layerLShape, .layerSpecialization, .specializationTime, .evaluationLoss,
  ].map { FigureDeclaration(name: $0.rawValue, kind: $0, caption: "A caption.") }

  /// Draws into `UNDERSTUDY_PICTURES`, if set, to be looked at; else into a temporary folder.
  @Test(.enabled(if: canDraw, "needs vl-convert-python"))
  func drawsEveryKindOfHiddenLayers() throws {
    let (seedCount, factor) = keptPictures == nil ? (2, 1) : (5, 5)
    let teachers = [[4], [4, 5], [4, 5, 6], [4, 5, 6, 7], [4, 5, 6, 7, 8]].map { $0.map { $0 * factor } }
    let results = [
      SyntheticLayers.study([teachers[3]], multiples: [1, 2, 5, 10], seedCount: seedCount, figures: Self.figures),
      SyntheticLayers.study([teachers[2]], multiples: [2], seedCount: 1, epochs: 15, figures: Self.figures),
      SyntheticLayers.study(teachers, multiples: [2], seedCount: seedCount, figures: Self.figures),
      SyntheticLayers.study(
        teachers, multiples: [1, 2, 5, 10], seedCount: seedCount, figures: Self.figures,
        findings: [
          FindingDeclaration(statement: "From the bottom up.", statistic: .layerOrder, atLeast: 0.9),
          FindingDeclaration(statement: "The lowest is learnt.", statistic: .layerCorrelation, layer: 1, atLeast: 0.9),
          FindingDeclaration(statement: "An L.", statistic: .layerArmRatio, layer: 1, atLeast: 2),
        ]),
    ]
    let page = try drawReport(results, named: "layers", figureCount: 16)
    #expect(
      page.contains(
        "the teacher nodes of hidden layer 1 (lowest), of the best ρ with a student node of that layer, last epoch"))
    #expect(page.contains("of each setting, then the mean over settings; 1: from the bottom up<"))
  }
}

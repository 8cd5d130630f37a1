import Foundation
import Testing
import UnderstudyRecords
import UnderstudySchema

@testable import UnderstudyFigures

/// The studies of the gallery are what a reader copies.
@Suite struct GalleryTests {
  /// They load without errors and warnings, have every kind of figure, and each figure's picture is on the page.
  @Test func theGalleryHasEveryKindOfFigure() throws {
    let page = try document("Gallery.md")
    var kinds: Set<FigureDeclaration.Kind> = []
    for name in try FileManager.default.contentsOfDirectory(atPath: documents.appending(path: "Gallery").path) {
      let study = try Study.load(
        path: documents.appending(path: "Gallery/\(name)").path, notice: { Issue.record("\(name): \($0)") })
      #expect(study.reportWarnings == [], "\(name)")
      kinds.formUnion(study.figures.map(\.kind))
      for figure in study.figures {
        let picture = "Figures/gallery/\(figure.name).png"
        #expect(page.contains("](\(picture))"), "\(picture) is not in the gallery")
        let path = documents.appending(path: picture).path
        #expect(FileManager.default.fileExists(atPath: path), "no \(picture); run Scripts/gallery.py")
      }
    }
    #expect(Set(FigureDeclaration.Kind.allCases).subtracting(kinds) == [])
  }
}

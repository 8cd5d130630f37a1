import Foundation

/// The note of the figures that the last report drew into a folder.
private let noteName = ".drawn"

/// Removes the files of figures that the last report drew into a folder and that this one does not; other files stay.
///
/// - Parameters:
///   - folder: `figures/` of a results folder.
///   - names: of the figures that this report draws.
/// - Throws: ``FigureError`` if the note of them cannot be written.
func removeStaleFigures(in folder: URL, besides names: [String]) throws(FigureError) {
  let note = folder.appending(path: noteName)
  let before = (try? JSONDecoder().decode([String].self, from: Data(contentsOf: note))) ?? []
  // A note may come from anybody.
  for name in Set(before).subtracting(names) where !name.contains("/") && !name.hasPrefix(".") {
    for ending in ["json", "svg", "png", "pdf"] {
      try? FileManager.default.removeItem(at: folder.appending(path: "\(name).\(ending)"))
    }
  }
  guard before != names, !(before.isEmpty && names.isEmpty) else { return }
  guard let data = try? JSONEncoder().encode(names) else { return }
  try writeFile(data, to: note)
}

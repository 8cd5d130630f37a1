import Foundation

/// The folder of documents, some of which say word for word what the program says.
let documents = (0..<3).reduce(URL(filePath: #filePath)) { url, _ in url.deletingLastPathComponent() }
  .appending(path: "Docs")

func document(_ name: String) throws -> String {
  try String(contentsOf: documents.appending(path: name), encoding: .utf8)
}

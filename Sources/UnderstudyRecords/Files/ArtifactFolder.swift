import Foundation

// What several runs need and one of them makes: networks trained on labels. A folder in the results folder holds them, under the
// names of their recipes.

extension ResultsStore {
  private var artifactsFolder: URL { folder.appendingPathComponent(ResultsFolder.artifactsName) }

  /// The bytes of that name; nil if there are none.
  public func artifact(_ name: String) -> Data? {
    DurableFile.content(of: artifactsFolder.appendingPathComponent(name).path)
  }

  /// The size of a file, bytes; nil if there is none.
  public func artifactSize(_ name: String) -> Int? {
    FileStatus(artifactsFolder.appendingPathComponent(name).path)?.size
  }

  /// Keeps bytes in place of what was there, or all or nothing of them.
  ///
  /// - Throws: ``StoreError`` if they cannot be written.
  public func keepArtifact(_ data: Data, as name: String) throws(StoreError) {
    try doing("create the folder", with: artifactsFolder.path) {
      try FileManager.default.createDirectory(at: artifactsFolder, withIntermediateDirectories: true)
    }
    try DurableFile.write(
      data, to: artifactsFolder.appendingPathComponent(name),
      temporary: artifactsFolder.appendingPathComponent(".\(name).partial"))
  }

  /// Forgets bytes, if they are there.
  public func dropArtifact(_ name: String) {
    try? FileManager.default.removeItem(at: artifactsFolder.appendingPathComponent(name))
  }
}

import Foundation

/// A new folder among the system's temporary ones, which goes with its last owner.
///
/// Those that killed processes left are removed before; see ``AbandonedItems``. A class because it is removed once.
public final class TemporaryFolder: Sendable {
  public let url: URL
  private let descriptor: Int32

  /// Makes the folder.
  ///
  /// - Parameter use: part of the name, which folders of one kind share.
  /// - Throws: what the system says if it cannot be made.
  public init(for use: String) throws {
    let (parent, prefix) = (FileManager.default.temporaryDirectory, "understudy-\(use)-")
    AbandonedItems.remove(in: parent) { name in
      name.hasPrefix(prefix) && UUID(uuidString: String(name.dropFirst(prefix.count))) != nil
    }
    url = parent.appendingPathComponent(prefix + UUID().uuidString)
    try FileManager.default.createDirectory(
      at: url, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    descriptor = open(url.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    AbandonedItems.hold(descriptor)
  }

  deinit {
    try? FileManager.default.removeItem(at: url)
    close(descriptor)
  }
}

import Foundation
import UnderstudySchema

/// The program that holds a lock on a database or on what lies beside it, and its process; nil if the system does not say.
func lockHolder(of path: String) -> String? {
  let files = ["", "-wal", "-shm"].compactMap { FileIdentity(path + $0) }
  guard let locks = try? String(contentsOfFile: "/proc/locks", encoding: .utf8) else { return nil }
  for line in locks.split(separator: "\n") {
    // 1: POSIX  ADVISORY  READ 4242 08:01:131 0 EOF
    let fields = line.split(whereSeparator: \.isWhitespace)
    guard fields.count >= 6, let process = fields.compactMap({ Int32($0) }).first, process > 0, process != getpid(),
      let inode = fields.first(where: { $0.split(separator: ":").count == 3 })?.split(separator: ":").last,
      files.contains(where: { "\($0.inode)" == inode })
    else { continue }
    let name = try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8)
    return (name.map { $0.trimmed + ", " } ?? "") + "pid \(process)"
  }
  return nil
}

/// Which file it is, whatever it is called.
public struct FileIdentity: Hashable, Sendable {
  let device: UInt64
  let inode: UInt64

  /// Links are followed; nil if there is no file.
  public init?(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    (device, inode) = (UInt64(status.st_dev), UInt64(status.st_ino))
  }
}

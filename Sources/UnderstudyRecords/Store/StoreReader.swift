import Foundation
import GRDB

/// A connection that reads a results folder, whoever writes into it and whether or not anything can be written there.
struct StoreReader {
  let database: DatabaseQueue
  /// Where the database is read from, if that is not the folder; it goes with the last reader.
  let copy: TemporaryCopy?

  /// Ways in this order: as it is; if that does not do, because a write-ahead log needs memory that can be shared beside the
  /// file, from a copy of the file and its log.
  ///
  /// - Complexity: O(bytes of the database) where it is copied: a study that is not finished, on a file system that cannot be
  ///   written or belongs to another machine.
  init(_ path: String) throws {
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
    let isWritable = access(path, W_OK) == 0 && access(folder.path, W_OK) == 0
    let hasLog = Journal.hasLog(path)
    if !hasLog || !FileSystem(of: folder).isOfNetwork {
      // What a killed process left half-done is taken back or completed by SQLite, for which it needs to write; and only who
      // may write removes a log's files when he is the last to close it.
      let needsWriting = isWritable && (hasLog || FileManager.default.fileExists(atPath: path + "-journal"))
      do {
        let configuration = StoreSchema.configuration(isReadOnly: !needsWriting, busySeconds: 5)
        let database = try DatabaseQueue(path: path, configuration: configuration)
        if hasLog { _ = try database.read { try Int.fetchOne($0, sql: "PRAGMA user_version") } }
        (self.database, copy) = (database, nil)
        return
      } catch let error as DatabaseError where hasLog && !error.isBusy {
        // From a copy, then.
      }
    }
    let copy = try TemporaryCopy(of: path)
    database = try DatabaseQueue(path: copy.path, configuration: StoreSchema.configuration(isReadOnly: false))
    self.copy = copy
  }
}

/// A database with its log in a folder of its own.
struct TemporaryCopy: Sendable {
  let path: String
  private let folder: TemporaryFolder

  init(of original: String) throws(StoreError) {
    folder = try doing("copy it to read it", with: original) { try TemporaryFolder(for: "reading") }
    let path = folder.url.appendingPathComponent(ResultsFolder.databaseName).path
    self.path = path
    try doing("copy it to read it", with: original) {
      for suffix in ["-wal", ""] where FileManager.default.fileExists(atPath: original + suffix) {
        try FileManager.default.copyItem(atPath: original + suffix, toPath: path + suffix)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path + suffix)
      }
    }
  }
}

/// What is to be known of the file system of a folder.
struct FileSystem {
  /// Whether other machines may write there, with whom no memory is shared.
  let isOfNetwork: Bool

  init(of folder: URL) {
    var status = stat()
    let mounts = try? String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)
    guard stat(folder.path, &status) == 0, let mounts else {
      isOfNetwork = false
      return
    }
    // As the C library takes a device's number apart.
    let number = UInt64(status.st_dev)
    let device = "\(number >> 8 & 0xfff | number >> 32 & ~0xfff):\(number & 0xff | number >> 12 & ~0xff)"
    // 36 35 98:0 /root /mounted rw,noatime master:1 - ext3 /dev/root rw
    let mount = mounts.split(separator: "\n").lazy.map { $0.split(separator: " ") }.first {
      $0.count > 4 && $0[2] == device
    }
    let kind = mount?.drop { $0 != "-" }.dropFirst().first ?? ""
    isOfNetwork = Self.networks.contains { kind.hasPrefix($0) }
  }

  /// `fuse` is what a program provides, as sshfs does.
  private static let networks = [
    "nfs", "cifs", "smb", "9p", "lustre", "gpfs", "ceph", "afs", "beegfs", "coda", "ocfs2", "gfs2", "fuse.",
  ]
}

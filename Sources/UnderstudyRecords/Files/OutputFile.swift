import Foundation

/// Files that a person asked for, written so that nothing else is harmed.
///
/// A regular file is replaced in one step, through links, so that what was there stays if the new content cannot be written
/// whole. What is no regular file (a pipe, a device) is written into, and never replaced.
public enum OutputFile {
  /// Writes data to a file.
  ///
  /// - Throws: ``StoreError``; then what was at `path` is as before.
  public static func write(_ data: Data, to path: String) throws(StoreError) {
    try doing("write it", with: path) { try write(to: path) { sink in try sink(data) } }
  }

  /// Writes what `body` hands to its sink, in pieces.
  ///
  /// - Throws: ``StoreError`` of the file, or what `body` throws; then what was at `path` is as before.
  public static func write(to path: String, _ body: ((Data) throws -> Void) throws -> Void) throws {
    var status = stat()
    let exists = stat(path, &status) == 0
    guard !exists || status.st_mode & S_IFMT == S_IFREG else {
      return try fill(open(path, O_WRONLY | O_CLOEXEC), URL(fileURLWithPath: path), body)
    }
    let target = URL(fileURLWithPath: path).resolvingSymlinksInPath()
    let folder = target.deletingLastPathComponent()
    let (start, end) = (".\(target.lastPathComponent.prefix(100)).", ".partial")
    AbandonedItems.remove(in: folder) { name in
      name.hasPrefix(start) && name.hasSuffix(end) && Int32(name.dropFirst(start.count).dropLast(end.count)) != nil
    }
    let temporary = folder.appendingPathComponent("\(start)\(getpid())\(end)")
    let mode = exists ? status.st_mode & 0o777 : 0o644
    do {
      let descriptor = DurableFile.create(temporary, mode: mode)
      guard descriptor >= 0 else { throw DurableFile.failure(temporary, "write it") }
      AbandonedItems.hold(descriptor)
      try fill(descriptor, temporary, body)
    } catch {
      unlink(temporary.path)
      throw error
    }
    guard rename(temporary.path, target.path) == 0 else {
      let error = DurableFile.failure(target, "rename a file to it")
      unlink(temporary.path)
      throw error
    }
  }

  private static func fill(
    _ descriptor: Int32, _ url: URL, _ body: ((Data) throws -> Void) throws -> Void
  ) throws {
    guard descriptor >= 0 else { throw DurableFile.failure(url, "write it") }
    let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: false)
    do {
      try body { data in
        do {
          try handle.write(contentsOf: data)
        } catch {
          throw DurableFile.failure(url, "write it", code: systemCode(of: error))
        }
      }
    } catch {
      close(descriptor)
      throw error
    }
    // Some file systems report a full disk only here.
    guard close(descriptor) == 0 else { throw DurableFile.failure(url, "write it") }
  }
}

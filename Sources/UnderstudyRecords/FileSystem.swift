import Foundation

/// Names of what is in a results folder.
enum ResultsFolder {
  static let databaseName = "results.sqlite"
  static let studyName = "study.yaml"
  static let lockName = ".understudy.lock"
  static let weightsName = "weights"
  static let figuresName = "figures"
  static let reportName = "report.html"
}

/// Writing of files so that a crash leaves the old content or the new one, never a part.
enum DurableFile {
  /// Writes to `temporary`, flushes it to the disk, renames it to `url` and flushes the folder.
  ///
  /// - Throws: ``StoreError``; then `temporary` is gone and what was at `url` is as before.
  static func write(_ data: Data, to url: URL, temporary: URL) throws(StoreError) {
    let descriptor = create(temporary)
    guard descriptor >= 0 else { throw failure(temporary, "create it") }
    do throws(StoreError) {
      do {
        try FileHandle(fileDescriptor: descriptor, closeOnDealloc: false).write(contentsOf: data)
      } catch {
        throw failure(temporary, "write it", code: systemCode(of: error))
      }
      guard fsync(descriptor) == 0 else { throw failure(temporary, "flush it") }
    } catch {
      close(descriptor)
      unlink(temporary.path)
      throw error
    }
    close(descriptor)
    guard rename(temporary.path, url.path) == 0 else {
      let error = failure(url, "rename a file to it")
      unlink(temporary.path)
      throw error
    }
    flushFolder(url.deletingLastPathComponent())
  }

  /// A new file, in place of one that was there: a link that somebody put there is removed, not followed.
  static func create(_ url: URL, mode: mode_t = 0o644) -> Int32 {
    unlink(url.path)
    return open(url.path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
  }

  /// The rename itself is durable only once its folder is. Some file systems cannot flush folders; that is no error.
  static func flushFolder(_ url: URL) {
    let descriptor = open(url.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }

  /// The error of the system call that just failed.
  static func failure(_ url: URL, _ action: String, code: Int32 = errno) -> StoreError {
    if code == ENOSPC || code == EDQUOT || code == EFBIG { return .diskFull(path: url.path) }
    return .file(path: url.path, action: action, reason: String(cString: strerror(code)))
  }
}

/// An exclusive lock on a results folder, held as long as the value lives.
///
/// `flock` on a file in it: the kernel releases it when the process ends in any way, kill -9 included, so a lock is never
/// left behind and needs no clean-up. A class because it owns a file descriptor, which must be closed exactly once.
final class FolderLock: Sendable {
  private let descriptor: Int32

  /// - Throws: ``StoreError/locked(folder:pid:)`` if another process (or this one) holds it.
  init(_ folder: URL) throws(StoreError) {
    let url = folder.appendingPathComponent(ResultsFolder.lockName)
    let descriptor = open(url.path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw DurableFile.failure(url, "create it") }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let isHeld = errno == EWOULDBLOCK
      let error = DurableFile.failure(url, "lock it")
      var pid: Int?
      if isHeld, let text = try? String(contentsOf: url, encoding: .utf8) { pid = Int(text.trimmed) }
      close(descriptor)
      throw isHeld ? .locked(folder: folder.path, pid: pid) : error
    }
    // Who holds it, for the message above; the lock itself does not depend on the text.
    ftruncate(descriptor, 0)
    try? FileHandle(fileDescriptor: descriptor, closeOnDealloc: false).write(contentsOf: Data("\(getpid())\n".utf8))
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }
}

import Foundation
import UnderstudySchema

/// Names of what is in a results folder.
enum ResultsFolder {
  static let databaseName = "results.sqlite"
  static let studyName = "study.yaml"
  static let lockName = ".understudy.lock"
  static let weightsName = "weights"
  static let figuresName = "figures"
  static let filesName = "files"
  static let artifactsName = "artifacts"

  /// The folder of results that is likely meant by one that is none: one within it (`understudy reproduce` makes several), one of
  /// its name in `results`, or one beside it of which its name is a slip.
  static func likely(for folder: URL) -> String? {
    func folders(in place: URL) -> [URL] {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: place.path)) ?? []
      return names.sorted().map { place.appendingPathComponent($0) }.filter {
        FileManager.default.fileExists(atPath: $0.appendingPathComponent(databaseName).path)
      }
    }
    if let first = folders(in: folder).first { return first.path }
    let parent = folder.deletingLastPathComponent()
    let around = folders(in: parent.appendingPathComponent("results")) + folders(in: parent)
    let name = slip(folder.lastPathComponent, among: around.map(\.lastPathComponent))
    return around.first { $0.lastPathComponent == name }?.path
  }
}

/// Writing of files so that a crash leaves the old content or the new one, never a part.
enum DurableFile {
  /// Writes to `temporary`, flushes it to the disk, renames it to `url` and flushes the folder.
  ///
  /// - Throws: ``StoreError``; then `temporary` is gone and what was at `url` is as before.
  static func write(_ data: Data, to url: URL, temporary: URL) throws(StoreError) {
    try write([File(data: data, url: url, temporary: temporary)])
    flushFolder(url.deletingLastPathComponent())
  }

  struct File {
    var data: Data
    var url: URL
    var temporary: URL
  }

  /// The same for several files, but for the folder. All are on their way to the disk before the first is waited for, so that
  /// the file system's own journal is written once and not for each.
  static func write(_ files: [File]) throws(StoreError) {
    var descriptors: [Int32] = []
    do throws(StoreError) {
      for file in files {
        let descriptor = create(file.temporary)
        guard descriptor >= 0 else { throw failure(file.temporary, "create it") }
        descriptors.append(descriptor)
        do {
          try FileHandle(fileDescriptor: descriptor, closeOnDealloc: false).write(contentsOf: file.data)
        } catch {
          throw failure(file.temporary, "write it", code: systemCode(of: error))
        }
        // Begins to write it to the disk, and waits for nothing.
        posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
      }
      for (file, descriptor) in zip(files, descriptors) {
        guard fsync(descriptor) == 0 else { throw failure(file.temporary, "flush it") }
        guard rename(file.temporary.path, file.url.path) == 0 else { throw failure(file.url, "rename a file to it") }
      }
    } catch {
      for descriptor in descriptors { close(descriptor) }
      for file in files { unlink(file.temporary.path) }
      throw error
    }
    for descriptor in descriptors { close(descriptor) }
  }

  /// A new file, in place of one that was there: a link that somebody put there is removed, not followed.
  static func create(_ url: URL, mode: mode_t = 0o644) -> Int32 {
    unlink(url.path)
    return open(url.path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
  }

  /// The bytes of a regular file; nil of anything else: a pipe would be waited for, a device has no end.
  static func content(of path: String) -> Data? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    do {
      return try FileHandle(fileDescriptor: descriptor, closeOnDealloc: false).readToEnd() ?? Data()
    } catch {
      return nil
    }
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

  /// Whether processes can share memory through files of this folder, as a write-ahead log needs it: between machines they
  /// cannot, and some file systems have none at all.
  func sharesMemory(in folder: URL) -> Bool {
    guard !FileSystem(of: folder).isOfNetwork else { return false }
    let length = 4096
    let memory = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
    guard let memory, memory != MAP_FAILED else { return false }
    munmap(memory, length)
    return true
  }

  deinit { close(descriptor) }
}

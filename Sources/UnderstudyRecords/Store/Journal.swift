import Foundation
import GRDB
import Synchronization

/// How SQLite keeps a transaction apart until it is whole.
enum Journal: Sendable {
  /// A write-ahead log: readers see the last commit and hinder nobody. It needs memory that processes share.
  case log
  /// A rollback journal: a commit waits for readers whose transactions are open.
  case rollback
  /// A rollback journal, until the readers of now are gone and the log can be begun.
  case rollbackForNow
}

extension Journal {
  /// Opens a database for the only process that writes.
  ///
  /// - Parameters:
  ///   - sharesMemory: whether the file system lets processes share memory.
  ///   - prepare: makes or checks the tables, before a log: the file alone tells what it is.
  /// - Returns: the log is begun with the first change, so that a study which has all its runs changes nothing.
  static func open(
    _ path: String, sharesMemory: Bool, prepare: (DatabaseQueue) throws -> Void
  ) throws -> (DatabaseQueue, Journal) {
    removeLinks(besides: path)
    var status = stat()
    let isFree = lstat(path + "-shm", &status) != 0 || status.st_mode & S_IFMT == S_IFREG
    if !(sharesMemory && isFree), hasLog(path) { try leaveLog(path) }
    let database = try DatabaseQueue(path: path, configuration: StoreSchema.configuration(isReadOnly: false))
    try prepare(database)
    return (database, sharesMemory && isFree ? .rollbackForNow : .rollback)
  }

  /// Begins the write-ahead log, or goes on with it.
  static func begin(_ database: DatabaseQueue) -> Journal {
    do {
      return try database.writeWithoutTransaction { db in
        guard try String.fetchOne(db, sql: "PRAGMA journal_mode = WAL") == "wal" else { return .rollback }
        return .log
      }
    } catch let error as DatabaseError where error.isBusy {
      return .rollbackForNow
    } catch {
      return .rollback
    }
  }

  /// Puts what is in the log into the file. Other connections may keep it from being emptied: then SQLite does so later.
  ///
  /// - Parameter isWhole: nothing more is to come: leaves the log, so that the file is one that can be read from anywhere, also
  ///   where nothing can be written.
  static func end(_ database: DatabaseQueue, isWhole: Bool) {
    try? database.writeWithoutTransaction { db in
      _ = try Row.fetchAll(db, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
      if isWhole { _ = try String.fetchOne(db, sql: "PRAGMA journal_mode = DELETE") }
    }
  }

  /// Whether the file's header says that it has a write-ahead log.
  static func hasLog(_ path: String) -> Bool {
    guard let header = StoreSchema.header(of: path) else { return false }
    return header[18] == 2 && header[19] == 2
  }

  /// Takes what is in a log into the file and goes back to a rollback journal, without shared memory: by the lock that keeps
  /// everybody else away.
  private static func leaveLog(_ path: String) throws {
    let database = try DatabaseQueue(path: path, configuration: StoreSchema.configuration(isReadOnly: false))
    try database.writeWithoutTransaction { db in
      try db.execute(sql: "PRAGMA locking_mode = EXCLUSIVE")
      _ = try String.fetchOne(db, sql: "PRAGMA journal_mode = DELETE")
    }
    try database.close()
  }

  /// A folder that was received may hold links where SQLite writes; it refuses to follow them, so that nothing could be done.
  private static func removeLinks(besides path: String) {
    for suffix in ["-wal", "-shm", "-journal"] {
      var status = stat()
      if lstat(path + suffix, &status) == 0, status.st_mode & S_IFMT == S_IFLNK { unlink(path + suffix) }
    }
  }
}

extension DatabaseError {
  /// Another program holds a lock.
  var isBusy: Bool { resultCode == .SQLITE_BUSY || resultCode == .SQLITE_LOCKED }
}

/// Waiting for other programs' locks: as long as it takes, with a message.
///
/// A class because the threads that record share it.
final class Patience: Sendable {
  private let notice: @Sendable (String) -> Void
  private let path: String
  private let hasTold = Atomic(false)
  private let isStopped = Mutex<@Sendable () -> Bool>({ false })

  init(_ path: String, notice: @escaping @Sendable (String) -> Void) { (self.path, self.notice) = (path, notice) }

  /// From now on, waiting ends soon after this says so.
  func end(when condition: @escaping @Sendable () -> Bool) { isStopped.withLock { $0 = condition } }

  /// Does `body`, again and again while another program's lock keeps it from being done. Between two attempts all locks are
  /// given back, so that readers who come meanwhile do not wait.
  ///
  /// - Throws: ``StoreError/busy(path:program:)`` when it is to end, or what `body` throws.
  func attempt<Result>(_ body: () throws -> Result) throws -> Result {
    var attemptsLeft = 8
    while true {
      do {
        return try body()
      } catch let error as DatabaseError where error.isBusy {
        let program = lockHolder(of: path)
        if !hasTold.exchange(true, ordering: .relaxed) {
          notice("another program (\(program ?? "unknown")) reads or writes \(path); waiting for it")
        }
        if isStopped.withLock({ $0 })() {
          attemptsLeft -= 1
          guard attemptsLeft > 0 else { throw StoreError.busy(path: path, program: program) }
        }
        Thread.sleep(forTimeInterval: 0.3)
      }
    }
  }
}

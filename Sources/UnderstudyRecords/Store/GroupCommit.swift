import Foundation

/// Collects what threads hand in, and commits it in groups: flushing to the disk takes the same few milliseconds for one item
/// and for a hundred.
///
/// What is handed in waits for at most ``interval`` and the commit before it; a kill costs that much. A class because the
/// threads and the one that commits share it. That one lives only while there is something to commit.
final class GroupCommit<Item: Sendable>: Sendable {
  typealias Commit = @Sendable ([Item]) throws -> Void

  private struct State {
    var items: [Item] = []
    var bytes = 0
    var isWorking = false
    var isUrgent = false
    var committedCount = 0
    var failure: (any Error)?

    var isFull: Bool { items.count >= GroupCommit.greatestCount || bytes >= GroupCommit.greatestSize }
  }

  static var interval: TimeInterval { 0.1 }
  /// Bound memory, and the files that are open at a time.
  static var greatestCount: Int { 200 }
  static var greatestSize: Int { 100_000_000 }

  private let condition = NSCondition()
  /// Guarded by the condition.
  nonisolated(unsafe) private var state = State()

  /// Hands in an item. Waits while a whole group is waiting already.
  ///
  /// - Parameter bytes: what the item takes in memory.
  /// - Throws: what an earlier commit threw, once; the items of that group are lost.
  func submit(_ item: Item, bytes: Int = 0, commit: @escaping Commit) throws {
    condition.lock()
    defer { condition.unlock() }
    while state.isFull, state.failure == nil { condition.wait() }
    try throwFailure()
    state.items.append(item)
    state.bytes += bytes
    guard !state.isWorking else { return condition.broadcast() }
    state.isWorking = true
    Thread.detachNewThread { self.work(commit) }
  }

  /// Waits until all that was handed in is committed.
  ///
  /// - Throws: as ``submit(_:bytes:commit:)``.
  func flush() throws {
    condition.lock()
    defer { condition.unlock() }
    state.isUrgent = true
    condition.broadcast()
    while state.isWorking { condition.wait() }
    state.isUrgent = false
    try throwFailure()
  }

  /// Items that were committed since the beginning.
  var committedCount: Int {
    condition.lock()
    defer { condition.unlock() }
    return state.committedCount
  }

  private func throwFailure() throws {
    guard let failure = state.failure else { return }
    state.failure = nil
    throw failure
  }

  private func work(_ commit: Commit) {
    while let group = nextGroup() {
      let failure: (any Error)?
      do {
        try commit(group)
        failure = nil
      } catch {
        failure = error
      }
      condition.lock()
      state.failure = failure ?? state.failure
      state.committedCount += failure == nil ? group.count : 0
      condition.broadcast()
      condition.unlock()
    }
  }

  /// nil, and the end of work, if there is nothing to commit.
  private func nextGroup() -> [Item]? {
    condition.lock()
    defer { condition.unlock() }
    guard !state.items.isEmpty else {
      state.isWorking = false
      condition.broadcast()
      return nil
    }
    let deadline = Date(timeIntervalSinceNow: Self.interval)
    while !state.isUrgent, !state.isFull {
      guard condition.wait(until: deadline) else { break }
    }
    let group = state.items
    (state.items, state.bytes) = ([], 0)
    condition.broadcast()
    return group
  }
}

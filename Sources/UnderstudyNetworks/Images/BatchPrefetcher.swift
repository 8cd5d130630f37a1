import Foundation
import Synchronization
import UnderstudyNumerics

/// Makes batches ahead of a training on a thread of its own, so that filling and augmenting hide behind the steps.
///
/// A class because it owns the thread, which ends when the prefetcher is released, whether or not all batches were taken. Batches
/// come in the order of the steps, with the same content whatever the speed of either side.
public final class BatchPrefetcher: Sendable {
  /// What a step trains on.
  public struct Step: Sendable, Hashable {
    /// Images of the set.
    public var indices: [UInt32]
    public var epoch: Int
    /// How many images of the epoch came before.
    public var firstPlace: Int

    public init(indices: [UInt32], epoch: Int, firstPlace: Int) {
      self.indices = indices
      self.epoch = epoch
      self.firstPlace = firstPlace
    }
  }

  /// The images of a step, with their labels.
  public struct Batch: Sendable {
    /// `[image, channel, row, column]`, normalised and augmented
    public var images: [Float]
    /// `[image]`
    public var labels: [UInt8]
    /// `[image]`
    public var indices: [UInt32]
  }

  private let queue: BatchQueue
  private let threadEnd = DispatchSemaphore(value: 0)

  /// - Parameters:
  ///   - augmentation: nil if images stay as they are.
  ///   - key: of the run, from which the augmentation is drawn.
  ///   - depth: how many batches are made ahead; memory is that of as many and two more.
  ///   - steps: what each step trains on, asked for one after the other on the prefetcher's thread.
  public init(
    _ batcher: ImageBatcher, augmentation: ImageAugmentation?, key: UInt64, depth: Int = 3,
    steps: some Sequence<Step> & Sendable
  ) {
    precondition(depth > 0, "at least one batch ahead")
    let queue = BatchQueue(depth: depth)
    self.queue = queue
    Thread.detachNewThread { [threadEnd] in
      for step in steps {
        guard queue.waitForRoom() else { break }
        queue.add(batcher.batch(of: step, augmentation: augmentation, key: key))
      }
      queue.end()
      threadEnd.signal()
    }
  }

  /// The batch of the next step; nil after the last. Waits until it is made.
  public func next() -> Batch? { queue.take() }

  /// Waits for the batch in the making.
  deinit {
    queue.stop()
    threadEnd.wait()
  }
}

extension ImageBatcher {
  fileprivate func batch(
    of step: BatchPrefetcher.Step, augmentation: ImageAugmentation?, key: UInt64
  ) -> BatchPrefetcher.Batch {
    var images = [Float](repeating: 0, count: step.indices.count * set.size.count)
    if let augmentation {
      fill(
        &images, indices: step.indices, augmentation: augmentation, key: key, epoch: step.epoch,
        firstPlace: step.firstPlace)
    } else {
      fill(&images, indices: step.indices)
    }
    return BatchPrefetcher.Batch(images: images, labels: labels(of: step.indices), indices: step.indices)
  }
}

/// Batches that wait to be taken, between two threads.
private final class BatchQueue: Sendable {
  private struct State {
    var batches: [BatchPrefetcher.Batch] = []
    var isStopped = false
  }

  private let state = Mutex(State())
  /// Rooms for batches, and batches (or the end) to be taken. They begin with 0, because Dispatch traps if a semaphore is
  /// released with a smaller value than its first.
  private let rooms = DispatchSemaphore(value: 0)
  private let filled = DispatchSemaphore(value: 0)

  init(depth: Int) {
    for _ in 0..<depth { rooms.signal() }
  }

  /// False if no more batches are wanted.
  func waitForRoom() -> Bool {
    rooms.wait()
    return !state.withLock(\.isStopped)
  }

  func add(_ batch: BatchPrefetcher.Batch) {
    state.withLock { $0.batches.append(batch) }
    filled.signal()
  }

  func end() { filled.signal() }

  func stop() {
    state.withLock { $0.isStopped = true }
    rooms.signal()
  }

  /// Nil when all were taken and no more come.
  func take() -> BatchPrefetcher.Batch? {
    filled.wait()
    let batch = state.withLock { $0.batches.isEmpty ? nil : $0.batches.removeFirst() }
    // The end stays, for whoever asks again.
    if batch == nil { filled.signal() } else { rooms.signal() }
    return batch
  }
}

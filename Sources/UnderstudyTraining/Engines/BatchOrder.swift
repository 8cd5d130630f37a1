import UnderstudyNumerics

/// The order of the samples in SGD.
public enum BatchOrder: Sendable {
  /// Drawn with replacement from the streams of this key, one for each epoch.
  case drawn(key: UInt64)
  /// Pass after pass over all samples, each pass in a random order of its own from the streams of this key, one for each
  /// pass. Epochs cut this one sequence into equal parts: where an epoch takes fewer or more samples than there are, the
  /// next epoch goes on with the pass, and a batch at the end of a pass is filled up from the next one.
  case reshuffled(key: UInt64)
  /// Given step by step; `indices` is `[step, batch]`, row-major.
  case given(indices: [UInt32])

  /// The batches of an epoch, counted from 1, one after the other. They depend on nothing that came before, so that a training
  /// can go on from any epoch.
  public func batches(epoch: Int, stepCount: Int, batchSize: Int, sampleCount: Int) -> EpochBatches {
    EpochBatches(self, epoch: epoch, count: stepCount * batchSize, sampleCount: sampleCount)
  }

  /// All batches of an epoch, counted from 1: `stepCount * batchSize` sample indices.
  ///
  /// - Complexity: O(indices); reshuffled, O(indices + samples).
  public func indices(epoch: Int, stepCount: Int, batchSize: Int, sampleCount: Int) -> [UInt32] {
    var batches = batches(epoch: epoch, stepCount: stepCount, batchSize: batchSize, sampleCount: sampleCount)
    return batches.next(stepCount * batchSize)
  }
}

/// The sample indices of one epoch's batches, drawn as they are asked for: whatever the number of steps, memory is that of
/// what is asked for at a time, and of one pass where the order is reshuffled. Their bits do not depend on how many are asked
/// for at a time.
public struct EpochBatches: Sendable {
  private enum Source {
    case drawn(RandomStream)
    /// `rest` is what is left of the pass before `nextPass`.
    case reshuffled(key: UInt64, nextPass: Int, rest: ArraySlice<UInt32>)
    case given(ArraySlice<UInt32>)
  }

  private var source: Source
  private let sampleCount: Int

  fileprivate init(_ order: BatchOrder, epoch: Int, count: Int, sampleCount: Int) {
    self.sampleCount = sampleCount
    switch order {
    case .drawn(let key):
      source = .drawn(RandomStream(key: key, purpose: .batches, index: epoch))
    case .reshuffled(let key):
      // (epoch - 1) count = pass sampleCount + place, without a product that may overflow; streams take 32 bits of the pass.
      let (passes, places) = count.quotientAndRemainder(dividingBy: sampleCount)
      let (more, place) = ((epoch - 1) * places).quotientAndRemainder(dividingBy: sampleCount)
      let pass = (epoch - 1) &* passes &+ more
      source = .reshuffled(
        key: key, nextPass: pass &+ 1, rest: Self.order(ofPass: pass, key: key, sampleCount: sampleCount)[place...])
    case .given(let indices):
      let first = (epoch - 1) * count
      precondition(first + count <= indices.count, "too few batches; they are counted before training begins")
      source = .given(indices[first..<first + count])
    }
  }

  /// The next `count` indices.
  ///
  /// - Complexity: O(count); reshuffled, O(count + samples).
  public mutating func next(_ count: Int) -> [UInt32] {
    switch source {
    case .drawn(var stream):
      defer { source = .drawn(stream) }
      return stream.integers(count, below: sampleCount)
    case .reshuffled(let key, var pass, var rest):
      var indices: [UInt32] = []
      indices.reserveCapacity(count)
      while true {
        let taken = rest.prefix(count - indices.count)
        indices += taken
        rest = rest.dropFirst(taken.count)
        guard indices.count < count else { break }
        rest = Self.order(ofPass: pass, key: key, sampleCount: sampleCount)[...]
        pass &+= 1
      }
      source = .reshuffled(key: key, nextPass: pass, rest: rest)
      return indices
    case .given(let rest):
      source = .given(rest.dropFirst(count))
      return Array(rest.prefix(count))
    }
  }

  private static func order(ofPass pass: Int, key: UInt64, sampleCount: Int) -> [UInt32] {
    var stream = RandomStream(key: key, purpose: .batches, index: pass)
    return stream.permutation(sampleCount)
  }
}

import Foundation
import Testing
import UnderstudyNumerics

@testable import UnderstudyNetworks

/// Batches hold the images asked for, normalised, moved and mirrored as a naive twin has them.
@Suite struct ImageBatchTests {
  private static let sizes = [
    MapSize(channels: 1, rows: 1, columns: 1), MapSize(channels: 3, rows: 5, columns: 7),
    MapSize(channels: 2, rows: 6, columns: 3),
  ]
  private let count = 5

  /// A set whose images have other bytes between them, as records have.
  private func byteSet(_ size: MapSize) -> ImageSet {
    let stride = size.count + 3
    let bytes = testPixels(count: 1, size: MapSize(channels: 1, rows: count, columns: stride), seed: 3)
    return ImageSet(
      pixels: StoredPixels(.bytes(bytes), size: size, count: count, start: 2, stride: stride),
      labels: (0..<count).map { UInt8($0 % 3) }, classCount: 3)
  }

  private func numberSet(_ size: MapSize) -> ImageSet {
    let numbers = testPixels(count: count, size: size, seed: 4).map { Float($0) / 50 - 2 }
    return ImageSet(
      pixels: StoredPixels(.numbers(numbers), size: size, count: count), labels: (0..<count).map { UInt8($0 % 3) },
      classCount: 3)
  }

  private func normalization(_ size: MapSize) -> ChannelNormalization {
    ChannelNormalization(
      means: (0..<size.channels).map { 0.3 + 0.1 * Double($0) },
      deviations: (0..<size.channels).map { 0.2 + 0.3 * Double($0) })
  }

  /// What PyTorch does: pads with black, crops, mirrors, and then normalises.
  private func expected(
    _ set: ImageSet, _ image: Int, _ normalization: ChannelNormalization, padding: Int, _ move: BatchFilling.Move
  ) -> [Double] {
    let (size, stored) = (set.size, set.pixels.image(image))
    let width = size.columns + 2 * padding
    var result: [Double] = []
    for channel in 0..<size.channels {
      var padded = [Double](repeating: 0, count: (size.rows + 2 * padding) * width)
      for row in 0..<size.rows {
        for column in 0..<size.columns {
          padded[(row + padding) * width + column + padding] = Double(
            stored[(channel * size.rows + row) * size.columns + column])
        }
      }
      for row in 0..<size.rows {
        var line = (0..<size.columns).map { column in
          padded[(row + move.firstRow + padding) * width + column + move.firstColumn + padding]
        }
        if move.isFlipped { line.reverse() }
        result += line.map { ($0 - normalization.means[channel]) / normalization.deviations[channel] }
      }
    }
    return result
  }

  /// Of single precision, for values that a few roundings have made: bytes are divided in single precision here, and numbers
  /// multiplied and added in it.
  private func isClose(_ batch: some Collection<Float>, _ expected: [Double]) -> Bool {
    batch.count == expected.count
      && zip(batch, expected).allSatisfy { abs(Double($0) - $1) <= 0x1p-20 * max(1, abs($1)) }
  }

  @Test(arguments: sizes, [true, false])
  func evaluation(size: MapSize, isBytes: Bool) {
    let set = isBytes ? byteSet(size) : numberSet(size)
    let normalization = normalization(size)
    let batcher = ImageBatcher(set, normalization: normalization)
    let indices: [UInt32] = [4, 0, 0, 2]
    var buffer = [Float](repeating: 77, count: 5 * size.count)
    batcher.fill(&buffer, indices: indices)
    for (place, index) in indices.enumerated() {
      let part = buffer[(place * size.count)..<((place + 1) * size.count)]
      #expect(isClose(part, expected(set, Int(index), normalization, padding: 0, BatchFilling.Move())))
    }
    #expect(buffer.suffix(size.count).allSatisfy { $0 == 77 })
    #expect(batcher.labels(of: indices) == [1, 0, 0, 2])
  }

  @Test(arguments: sizes, [true, false])
  func training(size: MapSize, isBytes: Bool) {
    let set = isBytes ? byteSet(size) : numberSet(size)
    let normalization = normalization(size)
    let batcher = ImageBatcher(set, normalization: normalization)
    // A padding of 7 moves some of these images out of sight.
    for (padding, flips) in [(0, false), (0, true), (2, true), (7, true), (1, false)] {
      let augmentation = ImageAugmentation(cropPadding: padding, flips: flips)
      let indices = (0..<40).map { UInt32($0 % count) }
      var buffer = [Float](repeating: 77, count: indices.count * size.count)
      batcher.fill(&buffer, indices: indices, augmentation: augmentation, key: 9, epoch: 3, firstPlace: 80)
      let moves = augmentation.moves(count: indices.count, key: 9, epoch: 3, firstPlace: 80)
      for (place, move) in moves.enumerated() {
        let part = buffer[(place * size.count)..<((place + 1) * size.count)]
        #expect(
          isClose(part, expected(set, Int(indices[place]), normalization, padding: padding, move)), "\(padding) \(move)"
        )
      }
    }
  }

  /// Every offset and both sides, with the frequencies of equal chances: of n draws with chance p all counts are within
  /// 6 sqrt(n p) of n p. The key is fixed, so this passes always or never.
  @Test func movesAreEquallyLikely() {
    let n = 25_000
    let moves = ImageAugmentation(cropPadding: 2, flips: true).moves(count: n, key: 5, epoch: 1, firstPlace: 0)
    var counts: [BatchFilling.Move: Int] = [:]
    for move in moves { counts[move, default: 0] += 1 }
    #expect(counts.count == 50)
    let expected = Double(n) / 50
    for (move, count) in counts {
      #expect(abs(move.firstRow) <= 2 && abs(move.firstColumn) <= 2)
      #expect(abs(Double(count) - expected) < 6 * expected.squareRoot(), "\(move)")
    }
  }

  @Test func movesDependOnKeyEpochAndPlaceAlone() {
    let augmentation = ImageAugmentation(cropPadding: 4, flips: true)
    let all = augmentation.moves(count: 100, key: 1, epoch: 2, firstPlace: 0)
    for first in [0, 1, 2, 33, 64] {
      #expect(augmentation.moves(count: 36, key: 1, epoch: 2, firstPlace: first) == Array(all[first..<first + 36]))
    }
    #expect(augmentation.moves(count: 100, key: 1, epoch: 3, firstPlace: 0) != all)
    #expect(augmentation.moves(count: 100, key: 2, epoch: 2, firstPlace: 0) != all)
    // Flips do not change the crops.
    let unflipped = ImageAugmentation(cropPadding: 4, flips: false).moves(count: 100, key: 1, epoch: 2, firstPlace: 0)
    #expect(unflipped.map(\.firstRow) == all.map(\.firstRow) && unflipped.map(\.firstColumn) == all.map(\.firstColumn))
    #expect(unflipped.allSatisfy { !$0.isFlipped })
  }

  @Test(arguments: sizes, [true, false])
  func measuredNormalization(size: MapSize, isBytes: Bool) {
    let set = isBytes ? byteSet(size) : numberSet(size)
    let measured = ChannelNormalization.measured(of: set)
    for channel in 0..<size.channels {
      let values = (0..<count).flatMap { image in
        set.pixels.image(image)[(channel * size.positionCount)..<((channel + 1) * size.positionCount)].map {
          Double($0)
        }
      }
      let mean = values.reduce(0, +) / Double(values.count)
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
      // The twin's bytes are divided in single precision.
      #expect(abs(measured.means[channel] - mean) < 1e-6)
      #expect(abs(measured.deviations[channel] - variance.squareRoot()) < 1e-6)
    }
  }

  @Test func aFlatChannelBecomesZero() {
    let size = MapSize(channels: 1, rows: 2, columns: 2)
    let set = ImageSet(
      pixels: StoredPixels(.bytes([UInt8](repeating: 9, count: 8)), size: size, count: 2), labels: [0, 1], classCount: 2
    )
    let normalization = ChannelNormalization.measured(of: set)
    #expect(normalization.deviations == [1])
    var buffer = [Float](repeating: 1, count: 8)
    ImageBatcher(set, normalization: normalization).fill(&buffer, indices: [0, 1] as [UInt32])
    #expect(buffer.allSatisfy { $0 == 0 })
  }
}

/// The same step for ever.
private struct EndlessSteps: Sequence, IteratorProtocol, Sendable {
  let step: BatchPrefetcher.Step

  func next() -> BatchPrefetcher.Step? { step }
}

/// Batches made ahead are those that would have been made in time.
@Suite struct BatchPrefetcherTests {
  private let size = MapSize(channels: 2, rows: 3, columns: 3)
  private let augmentation = ImageAugmentation(cropPadding: 1, flips: true)

  private func set() -> ImageSet {
    ImageSet(
      pixels: StoredPixels(.bytes(testPixels(count: 7, size: size)), size: size, count: 7),
      labels: [0, 1, 2, 0, 1, 2, 0], classCount: 3)
  }

  private func step(_ number: Int) -> BatchPrefetcher.Step {
    BatchPrefetcher.Step(
      indices: (0..<4).map { UInt32((number * 5 + $0 * 3) % 7) }, epoch: 1 + number / 3, firstPlace: 4 * (number % 3))
  }

  @Test(arguments: [1, 3, 100], [true, false])
  func batchesAreThoseOfTheirSteps(depth: Int, isAugmented: Bool) {
    let batcher = ImageBatcher(set(), normalization: .init(means: [0.5, 0.4], deviations: [0.3, 0.2]))
    let steps = (0..<20).map(step)
    let prefetcher = BatchPrefetcher(
      batcher, augmentation: isAugmented ? augmentation : nil, key: 8, depth: depth, steps: steps)
    for step in steps {
      var images = [Float](repeating: 0, count: 4 * size.count)
      if isAugmented {
        batcher.fill(
          &images, indices: step.indices, augmentation: augmentation, key: 8, epoch: step.epoch,
          firstPlace: step.firstPlace)
      } else {
        batcher.fill(&images, indices: step.indices)
      }
      let batch = prefetcher.next()
      #expect(batch?.images == images)
      #expect(batch?.indices == step.indices && batch?.labels == batcher.labels(of: step.indices))
    }
    for _ in 0..<3 { #expect(prefetcher.next() == nil) }
  }

  /// Steps without end, as an interrupted training leaves them.
  @Test(.timeLimit(.minutes(1)), arguments: [0, 1, 5])
  func endsWhenItIsReleased(takenCount: Int) async throws {
    weak var released: ImageSet?
    do {
      let set = set()
      released = set
      let prefetcher = BatchPrefetcher(
        ImageBatcher(set, normalization: .measured(of: set)), augmentation: augmentation, key: 8,
        steps: EndlessSteps(step: step(3)))
      for _ in 0..<takenCount { #expect(prefetcher.next() != nil) }
    }
    // The thread lets go of the set a moment after its end.
    while released != nil { try await Task.sleep(for: .milliseconds(1)) }
  }

  @Test func noStepsNoBatches() {
    let set = set()
    let prefetcher = BatchPrefetcher(
      ImageBatcher(set, normalization: .measured(of: set)), augmentation: nil, key: 1, steps: [BatchPrefetcher.Step]())
    #expect(prefetcher.next() == nil)
  }
}

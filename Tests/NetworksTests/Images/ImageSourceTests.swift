import Foundation
import Testing
import UnderstudyNetworks
import UnderstudyNumerics

/// Sets of images are found, and read as they were written.
@Suite struct ImageSourceTests {
  /// An image as it was written, in the units of measures.
  private func image(_ index: Int, of pixels: [UInt8], _ size: MapSize) -> [Float] {
    pixels[(index * size.count)..<((index + 1) * size.count)].map { Float($0) / 255 }
  }

  @Test func cifar() throws {
    try withSetFolder { folder in
      folder.writeCIFAR()
      let source = try ImageSource.find(folder.url.path)
      let (training, evaluation) = (try source.load(.training), try source.load(.evaluation))
      #expect(training.size == MapSize(channels: 3, rows: 32, columns: 32))
      #expect(training.labels == [1, 1, 2, 3, 3, 5, 4, 7, 5, 9])
      #expect(evaluation.labels == [0, 9, 4])
      #expect(training.classCount == 10 && evaluation.classCount == 10 && training.classNames == nil)
      for file in 1...5 {
        let pixels = testPixels(count: 2, size: training.size, seed: file)
        for i in 0..<2 { #expect(training.pixels.image(2 * file - 2 + i) == image(i, of: pixels, training.size)) }
      }
      let pixels = testPixels(count: 3, size: training.size, seed: 6)
      for i in 0..<3 { #expect(evaluation.pixels.image(i) == image(i, of: pixels, training.size)) }

      folder["batches.meta.txt"] = Data("a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n".utf8)
      let named = try ImageSource.find(folder.url.path)
      #expect(try named.load(.evaluation).classNames == ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"])
    }
  }

  /// What the archive makes where it is unpacked.
  @Test func cifarOneFolderDown() throws {
    try withSetFolder { folder in
      let inside = SetFolder(url: folder.url.appending(path: "cifar-10-batches-bin"))
      try FileManager.default.createDirectory(at: inside.url, withIntermediateDirectories: false)
      inside.writeCIFAR()
      #expect(try ImageSource.find(folder.url.path).folder == inside.url.path)
      #expect(try ImageSource.find("cifar10", places: ["/nonexistent", folder.url.path]).load(.evaluation).count == 3)
    }
  }

  @Test(arguments: ["-", "."], [false, true])
  func idxFiles(separator: String, isGzipped: Bool) throws {
    try withSetFolder { folder in
      folder.writeIDX(separator: separator, isGzipped: isGzipped)
      let source = try ImageSource.find(folder.url.path)
      let (training, evaluation) = (try source.load(.training), try source.load(.evaluation))
      #expect(training.size == SetFolder.idxSize && evaluation.size == SetFolder.idxSize)
      #expect(training.labels == [0, 1, 2, 3, 1, 1] && evaluation.labels == [4, 0])
      // Over both parts: only evaluation has the fifth class.
      #expect(training.classCount == 5 && evaluation.classCount == 5)
      let pixels = testPixels(count: 8, size: SetFolder.idxSize)
      for i in 0..<6 { #expect(training.pixels.image(i) == image(i, of: pixels, SetFolder.idxSize)) }
      for i in 0..<2 { #expect(evaluation.pixels.image(i) == image(6 + i, of: pixels, SetFolder.idxSize)) }
    }
  }

  @Test func arraysOfBytes() throws {
    try withSetFolder { folder in
      folder.writeArrays()
      let source = try ImageSource.find(folder.url.path)
      let (training, evaluation) = (try source.load(.training), try source.load(.evaluation))
      #expect(training.labels == [2, 0, 1, 2] && evaluation.labels == [0, 2] && evaluation.classCount == 3)
      let pixels = testPixels(count: 6, size: SetFolder.arraySize)
      for i in 0..<4 { #expect(training.pixels.image(i) == image(i, of: pixels, SetFolder.arraySize)) }
      for i in 0..<2 { #expect(evaluation.pixels.image(i) == image(4 + i, of: pixels, SetFolder.arraySize)) }
    }
  }

  @Test(arguments: ["<f8", "<f4", "<f2"])
  func arraysOfRealNumbers(type: String) throws {
    try withSetFolder { folder in
      folder.writeArrays()
      // Halves hold these exactly.
      let values = (0..<48).map { Float($0) / 8 - 3 }
      let bytes =
        switch type {
        case "<f8": littleEndian(values.map { Double($0) })
        case "<f4": littleEndian(values.map(\.bitPattern))
        default: littleEndian(values.map(halfBits))
        }
      folder["test-images.npy"] = npy(descr: type, shape: "(2, 2, 3, 4)", bytes)
      let set = try ImageSource.find(folder.url.path).load(.evaluation)
      #expect(set.pixels.image(0) == Array(values[..<24]) && set.pixels.image(1) == Array(values[24...]))
    }
  }

  /// For multiples of 1/8 between -4 and 4.
  private func halfBits(_ value: Float) -> UInt16 {
    value == 0
      ? 0
      : UInt16(value.sign == .minus ? 0x8000 : 0) | UInt16(value.exponent + 15) << 10
        | UInt16((value.magnitude / Float(sign: .plus, exponent: value.exponent, significand: 1) - 1) * 1024)
  }

  @Test func knownSets() throws {
    try withSetFolder { folder in
      let place = folder.url.appending(path: "fashion-mnist")
      try FileManager.default.createDirectory(at: place, withIntermediateDirectories: false)
      SetFolder(url: place).writeIDX(isGzipped: true)
      let source = try ImageSource.find("fashion-mnist", places: [folder.url.path])
      #expect(source.name == "fashion-mnist" && source.folder == place.path)
      // Five classes are not those of Fashion-MNIST.
      #expect(try source.load(.training).classNames == nil)
      SetFolder(url: place)["t10k-labels-idx1-ubyte.gz"] = gzipped(idx(shape: [2], [9, 0]))
      #expect(try source.load(.training).classNames?[9] == "Ankle boot")
      // By its path it is any set.
      #expect(try ImageSource.find(place.path).load(.training).classNames == nil)
      #expect(source != (try ImageSource.find(place.path)))
    }
  }

  @Test func prefixesShareClasses() throws {
    try withSetFolder { folder in
      folder.writeIDX()
      let set = try ImageSource.find(folder.url.path).load(.training)
      let first = set.prefix(2)
      #expect(first.count == 2 && first.labels == [0, 1] && first.classCount == 5)
      #expect(first.pixels.image(1) == set.pixels.image(1))
    }
  }

  @Test func summary() throws {
    try withSetFolder { folder in
      folder.writeArrays()
      let flat = [UInt8](repeating: 51, count: 12)
      let rising = (0..<12).map { UInt8(10 * $0) }
      folder["test-images.npy"] = npy(descr: "|u1", shape: "(2, 2, 3, 4)", Data(flat + rising + flat + rising))
      let summary = try ImageSummary(of: try ImageSource.find(folder.url.path))
      #expect((summary.channels, summary.rows, summary.columns, summary.classCount) == (2, 3, 4, 3))
      #expect(summary.parts.map(\.imageCount) == [4, 2])
      #expect(summary.parts.map(\.imagesPerClass) == [[1, 1, 2], [1, 0, 1]])
      #expect(summary.parts[1].channelMeans == [0.2, 55.0 / 255])
      // The numbers 0 to 11 have the variance (12^2 - 1) / 12.
      #expect(summary.parts[1].channelDeviations[0] == 0)
      #expect(abs(summary.parts[1].channelDeviations[1] - 10 * (143.0 / 12).squareRoot() / 255) < 1e-15)
      #expect(
        summary.remarks == ["evaluation: no image of class 1", "evaluation: all pixels of channel 1 are equal"])
    }
  }
}

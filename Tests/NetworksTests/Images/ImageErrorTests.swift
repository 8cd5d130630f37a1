import Foundation
import Testing
import UnderstudyNetworks
import UnderstudyNumerics

/// Sets that cannot be used: the error names the file and the remedy.
@Suite struct ImageErrorTests {
  /// Expects an error with the parts at the end of finding and loading either part.
  private func refused(
    _ folder: SetFolder, _ part: ImageSource.Part = .training, _ parts: String...,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    do {
      _ = try ImageSource.find(folder.url.path).load(part)
      Issue.record("no error", sourceLocation: sourceLocation)
    } catch {
      for text in [folder.url.path] + parts {
        #expect(error.description.contains(text), "\(error)", sourceLocation: sourceLocation)
      }
    }
  }

  @Test func folders() throws {
    try withSetFolder { folder in
      refused(folder, .training, "has no set of images", "train-images.npy")
      folder["data_batch_1"] = Data([0x80])
      refused(folder, .training, "Python version", "get its binary version")
      folder["data_batch_1"] = nil
      folder["train.bin"] = Data([0x80])
      refused(folder, .training, "CIFAR-100")
      folder["train.bin"] = nil
      folder.writeCIFAR()
      folder["data_batch_3.bin"] = nil
      folder["test_batch.bin"] = nil
      refused(folder, .training, "data_batch_3.bin, test_batch.bin are missing")
      folder.writeCIFAR()
      folder.writeIDX()
      refused(folder, .training, "several sets", "give each a folder")
      expectFileError("no such folder", "fashion-mnist") { try ImageSource.find("/nonexistent/x") }
      expectFileError("is a file; give the folder") {
        try ImageSource.find(folder.url.appending(path: "test_batch.bin").path)
      }
    }
    for name in KnownImageSet.all {
      do {
        _ = try ImageSource.find(name.name, places: ["/nonexistent"])
        Issue.record("no error")
      } catch {
        #expect(error.description.hasPrefix("\(name.name): is not on this machine"), "\(error)")
        #expect(error.description.contains(name.remedy), "\(error)")
      }
    }
  }

  @Test func cifar() throws {
    try withSetFolder { folder in
      folder.writeCIFAR()
      let good = folder["data_batch_2.bin"] ?? Data()
      folder["data_batch_2.bin"] = good.dropLast()
      refused(folder, .training, "data_batch_2.bin", "6145 bytes", "copy or download it anew")
      // The other part can be read.
      #expect(try ImageSource.find(folder.url.path).load(.evaluation).count == 3)
      folder["data_batch_2.bin"] = Data()
      refused(folder, .training, "data_batch_2.bin", "is empty")
      var wrong = good
      wrong[3073] = 10
      folder["data_batch_2.bin"] = wrong
      refused(folder, .training, "data_batch_2.bin", "label 10 of image 1", "0 to 9")
      folder["data_batch_2.bin"] = nil
      try FileManager.default.createDirectory(
        at: folder.url.appending(path: "data_batch_2.bin"), withIntermediateDirectories: false)
      refused(folder, .training, "data_batch_2.bin", "is a directory")
      folder["data_batch_2.bin"] = nil
      folder.writeCIFAR()
      folder["batches.meta.txt"] = Data("one\ntwo\n".utf8)
      refused(folder, .evaluation, "batches.meta.txt", "2 names of classes")
    }
  }

  @Test(arguments: [false, true])
  func idxFiles(isGzipped: Bool) throws {
    let ending = isGzipped ? ".gz" : ""
    let (images, labels) = ("train-images-idx3-ubyte\(ending)", "train-labels-idx1-ubyte\(ending)")
    func changed(_ name: String, _ content: Data, _ parts: [String], sourceLocation: SourceLocation = #_sourceLocation)
      throws
    {
      try withSetFolder { folder in
        folder.writeIDX(isGzipped: isGzipped)
        folder[name] = isGzipped ? gzipped(content) : content
        for part in parts + [name] { refused(folder, .training, part, sourceLocation: sourceLocation) }
      }
    }
    let pixels = testPixels(count: 6, size: SetFolder.idxSize)
    try changed(images, idx(shape: [6, 3, 4], pixels.dropLast()), ["truncated"])
    try changed(images, idx(shape: [6, 3, 4], pixels + [0]), ["more bytes than the 88 of 6 images of 3 x 4"])
    try changed(images, idx(shape: [5, 3, 4], Array(pixels.prefix(60))), ["5 images", "6 labels", "train-labels"])
    try changed(labels, idx(shape: [7], [0, 1, 2, 3, 1, 1, 0]), ["6 images", "7 labels", "train-images"])
    try changed(images, idx(shape: [6, 4, 3], pixels), ["1 x 4 x 3", "1 x 3 x 4", "one size"])
    try changed(images, idx(shape: [6], [0, 1, 2, 3, 1, 1]), ["1 dimensions, but images have 3", "changed places"])
    try changed(labels, idx(shape: [6], [], magic: [0, 0, 13, 1]), ["other elements than bytes"])
    try changed(labels, Data("<html>".utf8), ["no IDX file of labels", "3c 68 74 6d"])
    try changed(labels, Data([0, 0, 8, 1, 0, 0]), ["truncated in its header"])
    try changed(images, idx(shape: [0, 3, 4], []), ["an empty set"])
    try changed(images, idx(shape: [6, 0, 4], []), ["an empty set"])
    try changed(images, Data(), ["is empty"])
    // Nothing is allocated for what a header claims.
    try changed(images, idx(shape: [0xFFFF_FFFF, 0xFFFF_FFFF, 0xFFFF_FFFF], pixels), ["truncated or damaged"])
    try changed(images, idx(shape: [1 << 30, 28, 28], pixels), ["truncated or damaged", "1073741824 images"])
  }

  @Test func gzip() throws {
    try withSetFolder { folder in
      folder.writeIDX(isGzipped: true)
      let name = "train-images-idx3-ubyte.gz"
      let good = folder[name] ?? Data()
      for length in 2..<good.count {
        folder[name] = good.prefix(length)
        refused(folder, .training, name, "truncated", "anew")
      }
      var wrong = good
      wrong[60] ^= 1
      folder[name] = wrong
      refused(folder, .training, name, "checksum is wrong")
      folder[name] = good + Data([7])
      refused(folder, .training, name, "other bytes after its gzip stream")
    }
  }

  @Test func arrays() throws {
    func changed(_ name: String, _ content: Data, _ parts: String..., sourceLocation: SourceLocation = #_sourceLocation)
      throws
    {
      try withSetFolder { folder in
        folder.writeArrays()
        folder[name] = content
        for part in parts + [name] { refused(folder, .training, part, sourceLocation: sourceLocation) }
      }
    }
    func bytes(_ shape: String, _ count: Int, isColumnMajor: Bool = false) -> Data {
      npy(descr: "|u1", shape: shape, Data(count: count), isColumnMajor: isColumnMajor)
    }
    let images = "train-images.npy"
    try changed(images, bytes("(4, 2, 3, 4)", 95), "truncated: shape [4, 2, 3, 4] needs 96 bytes, and there are 95")
    try changed(images, bytes("(4, 2, 3, 4)", 97), "1 bytes after its array")
    try changed(
      images, bytes("(4, 6, 4)", 96), "3 dimensions", "[image, channel, row, column]: of grey images array[:, None]")
    try changed(images, bytes("(4, 24)", 96), "2 dimensions", "array.reshape(-1, channels, rows, columns)")
    try changed(images, bytes("(3, 2, 3, 4)", 72), "3 images", "4 labels", "train-labels.npy")
    try changed(images, bytes("(4, 1, 3, 4)", 48), "1 x 3 x 4", "2 x 3 x 4", "test-images.npy")
    try changed(images, bytes("(0, 2, 3, 4)", 0), "empty array", "image, channel, row and column")
    try changed(images, bytes("(4, 2, 3, 4)", 96, isColumnMajor: true), "numpy.ascontiguousarray(array)")
    try changed(images, bytes("(4, 8, 8, 3)", 768), "channels seem to come last", "array.transpose(0, 3, 1, 2)")
    try changed(images, bytes("(4, 3, 3, 1)", 36), "3 x 3 x 1", "2 x 3 x 4", "test-images.npy")
    try changed(images, bytes("(4611686018427387904, 1, 1, 1)", 8), "truncated")
    try changed(images, bytes("(4611686018427387904, 4, 1, 1)", 8), "no file can hold")
    let integers = littleEndian([Int64](repeating: 0, count: 96))
    try changed(
      images, npy(descr: "<i8", shape: "(4, 2, 3, 4)", integers), "<i8, not pixels", "array.astype('uint8') of 0 to 255"
    )
    var numbers = [Float](repeating: 0, count: 96)
    numbers[24 + 12 + 4 + 3] = .nan
    try changed(
      images, npy(descr: "<f4", shape: "(4, 2, 3, 4)", littleEndian(numbers.map(\.bitPattern))),
      "holds nan at element [1, 1, 1, 3] of [image, channel, row, column]")
    let large = [Double](repeating: 1e300, count: 96)
    try changed(images, npy(descr: "<f8", shape: "(4, 2, 3, 4)", littleEndian(large)), "finite in single precision")
    try changed(
      "train-labels.npy", npy(descr: "<i8", shape: "(4,)", littleEndian([0, -1, 256, 0] as [Int64])),
      "label -1 of sample 1")
    // Of the other part the header is read, and all labels.
    try changed("test-images.npy", Data("PK".utf8), "numpy.save")
    try changed(
      "test-labels.npy", npy(descr: "<f8", shape: "(2,)", littleEndian([0.0, 1.0])), "not labels", "astype('<i8')")
  }
}

/// Labels of samples, of images or not.
@Suite struct LabelTests {
  private func labels(_ data: Data, sampleCount: Int? = nil) throws -> [UInt8] {
    try ArrayFile.decodeLabels(data, name: "given.file", sampleCount: sampleCount)
  }

  @Test func everyIntegerType() throws {
    let numbers = [0, 3, 127, 1]
    let expected = numbers.map { UInt8($0) }
    func check<Value: FixedWidthInteger>(_ type: String, _: Value.Type) throws {
      #expect(
        try labels(npy(descr: type, shape: "(4,)", littleEndian(numbers.map { Value($0) }))) == expected, "\(type)")
    }
    try check("|i1", Int8.self)
    try check("<i2", Int16.self)
    try check("<i4", Int32.self)
    try check("<i8", Int64.self)
    try check("|u1", UInt8.self)
    try check("<u2", UInt16.self)
    try check("<u4", UInt32.self)
    try check("<u8", UInt64.self)
    #expect(try labels(npy(descr: "|u1", shape: "(2,)", Data([255, 0]))) == [255, 0])
  }

  @Test func whatIsRefused() {
    func file(_ numbers: [Int64]) -> Data { npy(descr: "<i8", shape: "(\(numbers.count),)", littleEndian(numbers)) }
    expectFileError("label 256 of sample 2", "from 0 to at most 255") { try labels(file([0, 255, 256])) }
    expectFileError("label -1 of sample 0") { try labels(file([-1])) }
    expectFileError("label \(Int64.min)") { try labels(file([.min])) }
    expectFileError("has 3 labels, but there are 4 samples") { try labels(file([0, 1, 2]), sampleCount: 4) }
    expectFileError("not labels", "astype('<i8')") { try labels(npy(descr: "<f4", shape: "(1,)", Data(count: 4))) }
    expectFileError("2 dimensions", "array[:, 0]", "array.argmax(axis=1)") {
      try labels(npy(descr: "<i8", shape: "(2, 1)", Data(count: 16)))
    }
    expectFileError("empty array of shape [0]; give at least one label") { try labels(file([])) }
  }
}

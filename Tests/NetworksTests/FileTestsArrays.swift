import Foundation
import Testing
import UnderstudyNetworks
import UnderstudyNumerics

@Suite struct ArrayFileTests {
  private let matrix = Matrix([[1, -2, 0.5], [4, 5, -0.25]])

  private func decode(_ data: Data) throws -> Matrix { try ArrayFile.decodeMatrix(data, name: "given.file") }

  private func batches(_ data: Data, sampleCount: Int = 7) throws -> Batches {
    try ArrayFile.decodeBatches(data, name: "given.file", sampleCount: sampleCount)
  }

  @Test func matricesSurviveTheRoundTrip() throws {
    let data = ArrayFile.encode(matrix)
    #expect(try decode(data) == matrix)
    #expect(data.count == 128 + 48)
    // The bytes of numpy.save(..., numpy.array([[1, -2, .5], [4, 5, -.25]])).
    let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }"
    #expect(data == npy(header + String(repeating: " ", count: 58) + "\n", littleEndian(matrix.values)))
  }

  @Test(arguments: [1, 2, 3] as [UInt8], [false, true])
  func everyVersionPrecisionAndOrder(version: UInt8, isColumnMajor: Bool) throws {
    let values = isColumnMajor ? matrix.transposed.values : matrix.values
    let double = npy(
      descr: "<f8", shape: "(2, 3)", littleEndian(values), isColumnMajor: isColumnMajor, version: version)
    let single = npy(
      descr: "<f4", shape: "(2, 3)", littleEndian(values.map { Float($0).bitPattern }), isColumnMajor: isColumnMajor,
      version: version)
    #expect(try decode(double) == matrix)
    #expect(try decode(single) == matrix)
  }

  @Test func batchesOfEveryIntegerType() throws {
    let expected = Batches(stepCount: 2, batchSize: 3, indices: [0, 1, 2, 6, 5, 4])
    let numbers = [0, 1, 2, 6, 5, 4]
    #expect(try batches(npy(descr: "<i8", shape: "(2, 3)", littleEndian(numbers.map { Int64($0) }))) == expected)
    #expect(try batches(npy(descr: "<i4", shape: "(2, 3)", littleEndian(numbers.map { Int32($0) }))) == expected)
    #expect(try batches(npy(descr: "<u4", shape: "(2, 3)", littleEndian(numbers.map { UInt32($0) }))) == expected)
    #expect(try batches(npy(descr: "<u8", shape: "(2, 3)", littleEndian(numbers.map { UInt64($0) }))) == expected)
    #expect(try batches(npy(descr: "<i2", shape: "(2, 3)", littleEndian(numbers.map { Int16($0) }))) == expected)
    #expect(try batches(npy(descr: "|u1", shape: "(2, 3)", Data(numbers.map { UInt8($0) }))) == expected)
    expectFileError("sample \(Int64.max)") {
      try batches(npy(descr: "<u8", shape: "(1, 1)", littleEndian([UInt64.max])))
    }
    expectFileError("type |b1, not sample numbers") { try batches(npy(descr: "|b1", shape: "(1, 1)", Data([1]))) }
    expectFileError("reshape it to [step, batch]: as a column") {
      try batches(npy(descr: "<i8", shape: "(1,)", littleEndian([Int64(0)])))
    }
    let columns = littleEndian([0, 6, 1, 5, 2, 4] as [Int64])
    #expect(try batches(npy(descr: "<i8", shape: "(2, 3)", columns, isColumnMajor: true)) == expected)
  }

  /// Every integer type, halves and booleans are real numbers: the extremes of each, in both orders.
  @Test(arguments: [false, true])
  func matricesOfEveryRealType(isColumnMajor: Bool) throws {
    func check(_ type: String, _ bytes: Data, _ values: [Double], sourceLocation: SourceLocation = #_sourceLocation)
      throws
    {
      let expected = isColumnMajor ? Matrix([values]).transposed : Matrix([values])
      let shape = isColumnMajor ? "(\(values.count), 1)" : "(1, \(values.count))"
      let file = npy(descr: type, shape: shape, bytes, isColumnMajor: isColumnMajor)
      #expect(try decode(file) == expected, "\(type)", sourceLocation: sourceLocation)
    }
    func integers<Value: FixedWidthInteger>(_ type: String, _: Value.Type) throws {
      let numbers: [Value] = [0, 1, .min, .max]
      try check(type, littleEndian(numbers), numbers.map { Double($0) })
    }
    try integers("|i1", Int8.self)
    try integers("<i2", Int16.self)
    try integers("<i4", Int32.self)
    try integers("<i8", Int64.self)
    try integers("|u1", UInt8.self)
    try integers("<u2", UInt16.self)
    try integers("<u4", UInt32.self)
    try integers("<u8", UInt64.self)
    try check("|b1", Data([0, 1, 1]), [0, 1, 1])
    try check("<f2", littleEndian([0x3C00, 0xC000, 0x7BFF, 0x0001] as [UInt16]), [1, -2, 65504, 0x1p-24])
    expectFileError("holds inf at row 0, column 0") {
      try decode(npy(descr: "<f2", shape: "(1, 1)", littleEndian([0x7C00] as [UInt16])))
    }
    // The size is that of the type.
    expectFileError("truncated: shape [1, 2] needs 16 bytes") {
      try decode(npy(descr: "<i8", shape: "(1, 2)", Data(count: 8)))
    }
  }

  @Test func indicesMustNameSamples() {
    func file(_ numbers: [Int64]) -> Data { npy(descr: "<i8", shape: "(2, 2)", littleEndian(numbers)) }
    expectFileError("step 1 names sample 7 at place 0", "from 0 to 6") { try batches(file([0, 6, 7, -1])) }
    expectFileError("step 0 names sample -1 at place 1") { try batches(file([0, -1, 0, 0])) }
    expectFileError("sample 4294967296") { try batches(file([0, 0, 0, 1 << 32])) }
    expectFileError("\(Int64.min)") { try batches(file([0, 0, 0, .min])) }
    expectFileError("sample 4294967295") {
      try batches(npy(descr: "<u4", shape: "(1, 1)", littleEndian([UInt32.max])))
    }
    expectFileError("not sample numbers", "astype('<i8')") { try batches(ArrayFile.encode(matrix)) }
  }

  @Test(arguments: [(Double.nan, "nan"), (.infinity, "inf"), (-.infinity, "-inf")], [false, true])
  func numbersMustBeFinite(value: (number: Double, text: String), isColumnMajor: Bool) {
    var matrix = matrix
    matrix[1, 0] = value.number
    let values = isColumnMajor ? matrix.transposed.values : matrix.values
    let data = npy(descr: "<f8", shape: "(2, 3)", littleEndian(values), isColumnMajor: isColumnMajor)
    expectFileError("holds \(value.text) at row 1, column 0") { try decode(data) }
  }

  @Test func otherElementTypesAreRefused() {
    func check(_ type: String, _ parts: String, sourceLocation: SourceLocation = #_sourceLocation) {
      expectFileError(parts, "astype('<f8')", sourceLocation: sourceLocation) {
        try decode(npy(descr: type, shape: "(1, 1)", littleEndian([1.0])))
      }
    }
    check(">f8", "big-endian")
    check(">i4", "big-endian")
    check("<f16", "another precision (<f16) than 16, 32 or 64 bits")
    check("<U5", "type <U5")
    check("<M8[ns]", "type <M8[ns]")
    check("|V8", "type |V8")
    check("|O", "Python objects")
    expectFileError("complex numbers (<c16)", "numpy.hstack([array.real, array.imag])") {
      try decode(npy(descr: "<c16", shape: "(1, 1)", littleEndian([1.0, 2.0])))
    }
    let records = "{'descr': [('a', '<f8'), ('b]', '<f4', (2,))], 'fortran_order': False, 'shape': (1, 1), }"
    expectFileError("records", "one field") { try decode(npy(records, littleEndian([1.0, 2.0]))) }
  }

  @Test func otherShapesAreRefused() {
    func check(_ shape: String, _ part: String, sourceLocation: SourceLocation = #_sourceLocation) {
      expectFileError(part, sourceLocation: sourceLocation) {
        try decode(npy(descr: "<f8", shape: shape, littleEndian([1.0, 2.0])))
      }
    }
    check("(2,)", "1 dimension, shape [2]; reshape it to [sample, feature]: as a column save array[:, None]")
    check("()", "0 dimensions")
    check("(01, 2)", "header")
    check("(1, 002)", "header")
    check("(1, 2, 1)", "reshape it to [sample, feature]: e.g. array.reshape(len(array), -1)")
    check("(0, 2)", "empty array")
    check("(2, 0)", "empty array")
    check("(1, 3)", "truncated: shape [1, 3] needs 24 bytes, and there are 16")
    check("(1, 1)", "8 bytes after its array")
    check("(4611686018427387904, 4)", "no file can hold")
    check("(4611686018427387904, 1)", "no file can hold")
    check("(99999999999999999999, 1)", "damaged header")
    check("(-1, 2)", "damaged header")
  }

  @Test func damagedFilesAreRefused() throws {
    expectFileError("numpy.save") { try decode(Data("PK and what follows".utf8)) }
    expectFileError("truncated in its header") { try decode(ArrayFile.encode(matrix).prefix(9)) }
    expectFileError("its header should have 118 bytes") { try decode(ArrayFile.encode(matrix).prefix(100)) }
    expectFileError("version 4.0") { try decode(npy(descr: "<f8", shape: "(1, 1)", Data(), version: 4)) }
    for header in [
      "", "{", "{}", "{'descr': '<f8'}", "{'descr': '<f8', 'fortran_order': 0, 'shape': (1, 1)}", "[1]",
      "{'descr': True, 'fortran_order': False, 'shape': (1, 1)}", "{'descr': [[[[', 'shape': (",
      "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1), 'more': 'x'}",
      "{'descr': '<f8', 'fortran_order': False, 'shape': (1 1)}",
      "{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (1, 1)}",
    ] {
      expectFileError("damaged") { try decode(npy(header, littleEndian([1.0]))) }
    }
    // Spacing and quotes are free, as Python's are.
    #expect(
      try decode(npy("{\"shape\":(1,1),'fortran_order':False,'descr':'<f8'}", littleEndian([3.0]))) == Matrix([[3]]))
    #expect(try decode((Data([0]) + ArrayFile.encode(matrix)).dropFirst()) == matrix)
  }

  @Test func readsFiles() throws {
    try withTemporaryFolder { folder in
      let path = folder.appendingPathComponent("a.npy")
      try ArrayFile.encode(matrix).write(to: path)
      #expect(try ArrayFile.readMatrix(path: path.path) == matrix)
      expectFileError("is a directory") { try ArrayFile.readMatrix(path: folder.path) }
      expectFileError("no such file") { try ArrayFile.readBatches(path: path.path + "x", sampleCount: 1) }
    }
  }
}

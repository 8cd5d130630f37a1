import Foundation
import Testing
import UnderstudyNetworks
import UnderstudyNumerics

/// Files of other kinds are told by their content, with the way to convert them.
@Suite struct FileKindTests {
  private func network(_ data: Data) throws -> Network {
    try NetworkFile.decode(data, name: "given.file", activation: .relu)
  }

  private func array(_ data: Data) throws -> Matrix { try ArrayFile.decodeMatrix(data, name: "given.file") }

  private func batches(_ data: Data) throws -> Batches {
    try ArrayFile.decodeBatches(data, name: "given.file", sampleCount: 5)
  }

  /// A zip archive that begins with a member of this name, as far as it is looked at.
  private func archive(of member: String) -> Data {
    Data("PK\u{03}\u{04}".utf8) + Data(count: 22) + littleEndian([UInt16(member.utf8.count), 0]) + Data(member.utf8)
      + Data(count: 100)
  }

  @Test func filesOfOtherProgramsAreNamed() throws {
    func check(
      _ data: Data, _ kind: String, _ remedy: String, array other: String? = nil,
      sourceLocation: SourceLocation = #_sourceLocation
    ) {
      expectFileError(kind, remedy, sourceLocation: sourceLocation) { try network(data) }
      expectFileError(kind, other ?? remedy, sourceLocation: sourceLocation) { try array(data) }
      expectFileError(kind, other ?? remedy, sourceLocation: sourceLocation) { try batches(data) }
    }
    let state = "safetensors.torch.save_file(model.state_dict(), "
    check(archive(of: "archive/data.pkl"), "a file of torch.save", state, array: "tensor.numpy()")
    check(archive(of: "teacher/data.pkl"), "a file of torch.save", state, array: "tensor.numpy()")
    let oldNumber: [UInt8] = [0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E]
    check(Data(oldNumber + [0x80, 2]), "a file of torch.save", state, array: "tensor.numpy()")
    check(Data([0x80, 4, 0x95, 0, 0, 0]), "a Python pickle", "where you trust it")
    check(archive(of: "arr_0.npy"), "archive of arrays (.npz)", "dict(numpy.load(...))", array: "[\"NAME\"]")
    check(archive(of: "config.json"), "a zip archive", "unpack it")
    check(
      Data([0x89]) + Data("HDF\r\n\u{1A}\n".utf8), "an HDF5 file (.h5)", "w.T", array: "h5py.File(...)[\"NAME\"][:]")
    check(Data("MATLAB 5.0 MAT-file, Platform".utf8), "a MATLAB file", "scipy.io.loadmat")
    check(Data("SQLite format 3\0".utf8), "an SQLite database", "give the folder")
    check(
      Data([8, 8, 0x12, 7]) + Data("pytorch".utf8), "an ONNX model", "understudy convert", array: "onnx.numpy_helper")
    check(Data([0x1F, 0x8B, 8, 0]), "is compressed", "gunzip")
    check(Data([0xFD]) + Data("7zXZ\0".utf8), "is compressed", "unxz")
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
    check(Data(pointer.utf8), "a pointer of Git LFS", "run git lfs pull")
    for page in ["<!DOCTYPE html>\n<html>", "\n  <html lang=en>", "<?xml version=\"1.0\"?>"] {
      check(Data(page.utf8), "a web page (HTML)", "download the file itself")
    }
    for text in ["{\"a\": [1, 2]}", "[[1, 2],\n [3, 4]]", "\u{FEFF}{}"] {
      check(Data(text.utf8), "a JSON text", "json.load")
    }
    for text in ["1,2,3\n4,5,6\n", "x y\n0.5 1e-3\n", "# by hand\n1\t2\n", "x1;x2\r\n1;2\r\n", "-3\n"] {
      check(Data(text.utf8), "a table in text, such as CSV", "numpy.loadtxt")
    }
    check(Data("# a study\nteacher:\n  hiddenNodes: 3\n".utf8), "a YAML text, such as a study", "give")
    check(Data("Dear reader,\nthis is ünicode.".utf8), "is a text", "written by")
    check(Data(), "is empty", "anew")
  }

  @Test func networksAndArraysAreTold() throws {
    let matrix = ArrayFile.encode(Matrix([[1, 2]]))
    let file = NetworkFile.encode(try smallNetwork(biases: true))
    expectFileError("a NumPy array (.npy), not a safetensors file", "safetensors.numpy.save_file") {
      try network(matrix)
    }
    expectFileError("a safetensors file, not an .npy file", "load_file(...)[\"NAME\"]") { try array(file) }
    expectFileError("a safetensors file, not an .npy file") { try batches(file) }
  }

  /// What is of no known kind may be a damaged file of the right kind, and is read as one.
  @Test func damagedFilesAreReadAsWhatTheyShouldBe() throws {
    expectFileError("claims a header of") { try network(Data(repeating: 0xEE, count: 50)) }
    expectFileError("is not an .npy file; write it with numpy.save") { try array(Data(repeating: 0xEE, count: 50)) }
    expectFileError("truncated") { try network(NetworkFile.encode(try smallNetwork(biases: true)).dropLast(9)) }
  }

  // MARK: Weights that are stored the other way round

  /// The file of a network whose weights have these shapes, as `[nodes, inputs]`; some layers are stored transposed.
  private func file(
    _ shapes: [(nodes: Int, inputs: Int)], transposed: Set<Int>, biases: Bool, normalized: Bool = false
  ) -> Data {
    var tensors: [(String, [Int])] = []
    for (index, (nodes, inputs)) in shapes.enumerated() {
      tensors.append(("layers.\(index).weight", transposed.contains(index) ? [inputs, nodes] : [nodes, inputs]))
      if biases { tensors.append(("layers.\(index).bias", [nodes])) }
      if normalized, index < shapes.count - 1 {
        tensors += ["mean", "var"].map { ("layers.\(index).norm.running_\($0)", [nodes]) }
      }
    }
    return safetensors(tensors, metadata: normalized ? ["understudy.normalization": "beforeActivation"] : [:])
  }

  /// Random widths without equal neighbours, every set of transposed layers: the message names just these.
  @Test(arguments: 0..<40)
  func transposedKernelsAreNamed(trial: Int) {
    var stream = RandomStream(key: UInt64(trial), purpose: .test, index: 211)
    let depth = 2 + trial % 4
    var widths = [2 + Int(stream.integers(1, below: 9)[0])]
    while widths.count <= depth {
      let width = 2 + Int(stream.integers(1, below: 9)[0])
      if !widths.contains(width) { widths.append(width) }
    }
    let shapes = zip(widths, widths.dropFirst()).map { (nodes: $1, inputs: $0) }
    for set in 1..<(1 << depth) {
      let transposed = Set((0..<depth).filter { set >> $0 & 1 == 1 })
      let data = file(shapes, transposed: transposed, biases: trial % 3 > 0, normalized: trial % 3 == 2)
      let names = transposed.sorted().map { "layers.\($0).weight" }
      expectFileError(
        "looks like [inputs, nodes]",
        "transpose \(names.joined(separator: " and ")), in NumPy numpy.ascontiguousarray(w.T)"
      ) { try network(data) }
    }
    #expect(throws: Never.self) { try network(file(shapes, transposed: [], biases: trial % 2 == 0)) }
  }

  @Test func squareKernelsAreDoubted() {
    let shapes = [(nodes: 4, inputs: 4), (nodes: 4, inputs: 4), (nodes: 2, inputs: 4)]
    expectFileError(
      "tensor \"layers.2.weight\" has shape [4, 2]", "transpose layers.2.weight,",
      "of layers.0.weight and layers.1.weight, which is square, the shape does not tell"
    ) { try network(file(shapes, transposed: [2], biases: true)) }
  }

  /// Shapes that fit neither way are blamed as before.
  @Test func otherShapesAreNotCalledTransposed() {
    func check(_ shapes: [(String, [Int])], _ part: String, sourceLocation: SourceLocation = #_sourceLocation) {
      expectFileError(part, sourceLocation: sourceLocation) { try network(safetensors(shapes)) }
    }
    check(
      [("layers.0.weight", [3, 2]), ("layers.0.bias", [7]), ("layers.1.weight", [1, 3]), ("layers.1.bias", [1])],
      "shape [7], but the layer has 3 nodes")
    check(
      [("layers.0.weight", [3, 2]), ("layers.1.weight", [5, 7])], "layer 1 (lowest) has 3 nodes, but layer 2 expects 7")
  }

  // MARK: Names of other programs

  @Test func numberedAndPrefixedTensorsAreRenamed() {
    func check(_ names: [String], _ remedy: String, sourceLocation: SourceLocation = #_sourceLocation) {
      var tensors: [String: SafetensorsFile.Tensor] = [:]
      for name in names { tensors[name] = .init(shape: [1], values: [1]) }
      expectFileError("is no part of a network", remedy, sourceLocation: sourceLocation) {
        try network(SafetensorsFile(tensors: tensors).encoded(precision: .float64))
      }
    }
    check(
      ["0.weight", "0.bias", "2.weight", "2.bias"],
      "rename 0.weight to layers.0.weight, 2.weight to layers.1.weight, and biases likewise")
    check(["fc10.weight", "fc9.weight"], "rename fc10.weight to layers.1.weight, fc9.weight to layers.0.weight")
    check(
      ["module.layers.0.weight", "module.layers.0.norm.num_batches_tracked", "module.layers.1.weight"],
      "take the prefix \"module.\" off")
    check(["fc1.weight", "out.weight"], "name the tensors layers.0.weight")
    check(["bn1.running_mean", "bn1.weight", "fc1.weight"], "a normalisation's layers.0.norm.running_mean")
    check(["encoder.weight", "layers.0.weight"], "leave out all others")
  }

  // MARK: Inputs that are transposed

  @Test func inputsOfAnotherWidthSayWhatIsTransposed() throws {
    let network = try smallNetwork(biases: true)  // 3 inputs, 2 hidden nodes
    func message(_ rows: Int, _ columns: Int) -> String? {
      do {
        _ = try network.outputs(for: Matrix(rowCount: rows, columnCount: columns))
        return nil
      } catch { return error.description }
    }
    #expect(
      message(3, 7)?.contains("inputs have 7 features, but the network expects 3; they look like [feature, sample]")
        == true)
    #expect(message(9, 2)?.contains("look like [inputs, nodes]; transpose all weights") == true)
    #expect(message(9, 7)?.contains("give an array [sample, feature] of that width") == true)
    #expect(message(9, 3) == nil)
  }
}

import Foundation
import Testing

@testable import UnderstudyRecords
@testable import UnderstudySchema

/// The results folder's own copies of what a study names.
@Suite struct SourceCopyTests {
  @Test("a folder keeps what its study names, and is complete without the originals") func selfContained() throws {
    let folder = try TemporaryFolder()
    let originals = ["t1.safetensors", "t2.safetensors", "x.npy"].map { folder.url.appendingPathComponent($0) }
    for original in originals {
      try folder.write("content of \(original.lastPathComponent)", original.lastPathComponent)
    }
    let text = """
      name: named
      teacher: {file: [t1.safetensors, t2.safetensors]}
      inputs: {training: {file: x.npy}, evaluation: {file: x.npy}}
      """
    let study = try Study.load(path: folder.write(text, "named.yaml"))
    let results = folder.url.appendingPathComponent("results")
    do {
      let store = try ResultsStore.openForWriting(results, study: study)
      #expect(store.study.files.count == 3 && store.copyFaults().isEmpty && store.changedSources().isEmpty)
      let names = try FileManager.default.contentsOfDirectory(atPath: results.appendingPathComponent("files").path)
      #expect(names.sorted() == study.files.map(\.copyName).sorted())
    }
    // In the place of one original there is something else, another is gone; and the folder is somewhere else.
    try Data("else".utf8).write(to: originals[0])
    try FileManager.default.removeItem(at: originals[2])
    let moved = folder.url.appendingPathComponent("moved")
    try FileManager.default.moveItem(at: results, to: moved)
    let store = try ResultsStore.openForReading(moved)
    #expect(store.study == study)
    #expect(store.changedSources().map(\.state) == [.changed, .gone])
    for (file, original) in zip(store.study.files, ["t1.safetensors", "x.npy", "t2.safetensors"]) {
      #expect(file.content == Data("content of \(original)".utf8), "\(file.path)")
    }
    // The folder's study is one of the folder's files, and the same runs.
    let own = try Study.load(path: moved.appendingPathComponent("study.yaml").path)
    #expect(own.runs.map(\.hash) == study.runs.map(\.hash))
    do {
      let again = try ResultsStore.openForWriting(moved, study: own)
      try again.record(record(of: own.runs[0], study: own), student: Data())
    }
    let continued = try ResultsStore.openForReading(moved)
    #expect(try continued.finishedHashes() == [study.runs[0].hash])
    #expect(continued.study.files == study.files)
    #expect(continued.keptSource(at: originals[2].path) == study.files[1])
    // So is the user's study, where a file is gone; where it has changed, it is another study.
    let kept: (String, String) -> SourceFile? = { _, path in store.study.files.first { $0.path == path } }
    let path = folder.url.appendingPathComponent("named.yaml").path
    #expect(thrown(StudyError.self) { _ = try Study.load(path: path) }?.kind == .missingFile)
    #expect(try Study.load(path: path, kept: kept).runs.map(\.hash) != study.runs.map(\.hash))
    try folder.write("content of t1.safetensors", "t1.safetensors")
    #expect(try Study.load(path: path, kept: kept).runs.map(\.hash) == study.runs.map(\.hash))
  }

  @Test("a copy that is lost is named, and made again from the original if that is as it was") func lostCopies() throws
  {
    let folder = try TemporaryFolder()
    try folder.write("bytes", "t")
    let study = try Study.parse("teacher: {file: t}", origin: "s.yaml", folder: folder.url, baseName: "s")
    let results = folder.url.appendingPathComponent("results")
    do { _ = try ResultsStore.openForWriting(results, study: study) }
    let copy = results.appendingPathComponent("files/\(study.files[0].copyName)")
    for damage in [Data("bytez".utf8), nil] {
      try? FileManager.default.removeItem(at: copy)
      try damage?.write(to: copy)
      let reader = try ResultsStore.openForReading(results)
      #expect(reader.copyFaults().map(\.fault) == [damage == nil ? .missing : .damaged])
      #expect(reader.study.files[0].content == Data("bytes".utf8))
      do { _ = try ResultsStore.openForWriting(results, study: study) }
      #expect(try Data(contentsOf: copy) == Data("bytes".utf8))
    }
    try FileManager.default.removeItem(at: copy)
    mkfifo(copy.path, 0o600)
    try Data("other".utf8).write(to: folder.url.appendingPathComponent("t"))
    #expect(try ResultsStore.openForReading(results).study.files[0].content == nil)
    #expect(
      thrown(StoreError.self) { _ = try ResultsStore.openForWriting(results, study: study) }
        == .source(path: study.files[0].path))
  }

  @Test("images are kept on request, whole or not at all, and found by name, place or digest") func keptImages() throws
  {
    let folder = try TemporaryFolder()
    let original = folder.url.appendingPathComponent("pictures.v2")
    try FileManager.default.createDirectory(at: original, withIntermediateDirectories: true)
    for name in ["train-images-idx3-ubyte", "train-labels-idx1-ubyte.gz", "notes.txt"] {
      try folder.write("content of \(name)", "pictures.v2/\(name)")
    }
    let path = try folder.write("name: pictures\ninputs: {images: pictures.v2}", "s.yaml")
    let study = try Study.load(path: path)
    let results = folder.url.appendingPathComponent("results")
    do {
      let store = try ResultsStore.openForWriting(results, study: study)
      #expect(store.study.imageSets.count == 1 && store.study.files.isEmpty)
      #expect(!FileManager.default.fileExists(atPath: results.appendingPathComponent("files").path))
      try store.keepImages()
      try store.keepImages()
    }
    let set = study.imageSets[0]
    let files = results.appendingPathComponent("files")
    // What a copy leaves that was killed goes.
    try FileManager.default.createDirectory(
      at: files.appendingPathComponent(".\(set.digest).partial/part"), withIntermediateDirectories: true)
    do { _ = try ResultsStore.openForWriting(results, study: study) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: files.path) == [set.copyName])
    let copy = files.appendingPathComponent(set.copyName)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: copy.path).sorted()
        == ["train-images-idx3-ubyte", "train-labels-idx1-ubyte.gz"])

    try FileManager.default.removeItem(at: original)
    let store = try ResultsStore.openForReading(results)
    #expect(store.changedSources().map(\.state) == [.gone] && store.copyFaults().isEmpty)
    #expect(store.study.imageSets[0].imageFolder == copy.path && store.study.imageSets[0].place == copy.path)
    #expect(store.keptSource(at: original.path) == set)
    #expect(store.keptSource(at: "/elsewhere/pictures.v2") == set && store.keptSource(at: "/elsewhere/pictures") == nil)
    #expect(store.imageSet(at: copy.path) == set)
    #expect(thrown(StudyError.self) { _ = try Study.load(path: path) }?.kind == .missingFile)
    let again = try Study.load(path: path, kept: { _, path in store.keptSource(at: path) })
    let own = try Study.load(path: results.appendingPathComponent("study.yaml").path)
    #expect(again.runs.map(\.hash) == study.runs.map(\.hash) && own.runs.map(\.hash) == study.runs.map(\.hash))

    // A damaged copy is named, and not used; where the original is back it is made again, also in place of a link.
    try Data("else".utf8).write(to: copy.appendingPathComponent("train-images-idx3-ubyte"))
    #expect(store.copyFaults().map(\.fault) == [.damaged])
    #expect(store.study.imageSets[0].imageFolder == nil && store.keptSource(at: original.path) == nil)
    #expect(
      thrown(StoreError.self) { _ = try ResultsStore.openForWriting(results, study: study) } == .source(path: set.path))
    #expect(try FileManager.default.contentsOfDirectory(atPath: files.path) == [set.copyName])
    for name in ["train-images-idx3-ubyte", "train-labels-idx1-ubyte.gz"] {
      try FileManager.default.createDirectory(at: original, withIntermediateDirectories: true)
      try folder.write("content of \(name)", "pictures.v2/\(name)")
    }
    let elsewhere = folder.url.appendingPathComponent("elsewhere")
    try FileManager.default.moveItem(at: copy, to: elsewhere)
    try FileManager.default.createSymbolicLink(at: copy, withDestinationURL: elsewhere)
    try FileManager.default.createSymbolicLink(
      at: files.appendingPathComponent(".\(set.digest).partial"), withDestinationURL: elsewhere)
    do { _ = try ResultsStore.openForWriting(results, study: study) }
    #expect(store.copyFaults().isEmpty)
    #expect(try Data(contentsOf: elsewhere.appendingPathComponent("train-images-idx3-ubyte")) == Data("else".utf8))
  }
}
